local actions = {}
local suspended = obj.spec.suspend == true

actions["redeploy"] = {["displayName"] = "Redeploy", ["iconClass"] = "fa fa-fw fa-redo", ["disabled"] = suspended}
actions["suspend"] = {["displayName"] = "Suspend", ["iconClass"] = "fa fa-fw fa-pause", ["disabled"] = suspended}
actions["resume"] = {["displayName"] = "Resume", ["iconClass"] = "fa fa-fw fa-play", ["disabled"] = not suspended}

return actions
