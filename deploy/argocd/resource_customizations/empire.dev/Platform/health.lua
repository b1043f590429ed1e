local health = {}
local status = obj.status or {}

-- Conditions count once they are of this generation.
if status.conditions == nil or status.observedGeneration ~= obj.metadata.generation then
  health.status = "Progressing"
  health.message = "Waiting for the controller to look at this generation"
  return health
end

local conditions = {}
for _, condition in ipairs(status.conditions) do
  conditions[condition.type] = condition
end
local ready = conditions["Ready"] or {}
local stalled = conditions["Stalled"]

if stalled ~= nil and stalled.status == "True" then
  health.status = "Degraded"
  health.message = stalled.message
elseif ready.status == "True" then
  health.status = "Healthy"
  health.message = ready.message
else
  health.status = "Progressing"
  health.message = ready.message
end
return health
