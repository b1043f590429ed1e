//! Apps and Platforms in prose: `app("acme").process("web", web().external())`.
//!
//! They are written as a user would write them, so that decoding is part of every test.

use empire_controller::api::app::App;
use empire_controller::api::platform::Platform;
use serde_json::{Map, Value, json};

pub(crate) const INTERNAL_ZONE: &str = "ZINTERNAL";
pub(crate) const EXTERNAL_ZONE: &str = "ZEXTERNAL";

#[derive(Clone, Debug)]
pub(crate) struct AppFixture {
    namespace: String,
    name: String,
    annotations: Map<String, Value>,
    spec: Map<String, Value>,
    processes: Map<String, Value>,
}

/// In the namespace `shop`, with an image and no process.
pub(crate) fn app(name: &str) -> AppFixture {
    let mut spec = Map::new();
    spec.insert("image".into(), json!(format!("registry.example/{name}:v1")));
    AppFixture {
        namespace: "shop".into(),
        name: name.into(),
        annotations: Map::new(),
        spec,
        processes: Map::new(),
    }
}

/// An exposed web and a worker.
pub(crate) fn acme() -> AppFixture {
    app("acme")
        .process("web", web().external().quantity(2))
        .process("worker", worker())
}

impl AppFixture {
    pub(crate) fn namespace(mut self, namespace: &str) -> Self {
        self.namespace = namespace.into();
        self
    }

    pub(crate) fn image(self, image: &str) -> Self {
        self.field("image", json!(image))
    }

    pub(crate) fn env(self, name: &str, value: &str) -> Self {
        self.field("env", json!({ name: value }))
    }

    /// Retains its resources when it is deleted.
    pub(crate) fn retained(self) -> Self {
        self.field("deletionPolicy", json!("Retain"))
    }

    /// Says that all goes with it, also what it has adopted.
    pub(crate) fn deleting(self) -> Self {
        self.field("deletionPolicy", json!("Delete"))
    }

    /// Takes over what carries no owner.
    pub(crate) fn adopting(mut self) -> Self {
        self.annotations.insert("empire.dev/adopt".into(), json!("true"));
        self
    }

    pub(crate) fn secret(self, name: &str, arn: &str) -> Self {
        self.field("secrets", json!({ name: arn }))
    }

    /// Has its tasks replaced when a secret has changed.
    pub(crate) fn rolling_on_change(self) -> Self {
        self.field("rollOnChange", json!(true))
    }

    pub(crate) fn task_role(self, arn: &str) -> Self {
        self.field("taskRoleArn", json!(arn))
    }

    /// Runs a task of this process for each new content.
    pub(crate) fn release(self, process: &str) -> Self {
        self.field("release", json!({ "process": process }))
    }

    pub(crate) fn release_within(self, process: &str, timeout: &str) -> Self {
        self.field("release", json!({ "process": process, "timeout": timeout }))
    }

    /// Says that this content counts as released.
    pub(crate) fn released(mut self, content: &str) -> Self {
        self.annotations
            .insert("empire.dev/released".into(), json!(content));
        self
    }

    pub(crate) fn suspended(self) -> Self {
        self.field("suspend", json!(true))
    }

    /// With a value of the annotation that rolls every task again.
    pub(crate) fn redeploy(mut self, value: &str) -> Self {
        self.annotations
            .insert("empire.dev/redeploy".into(), json!(value));
        self
    }

    /// With a value of the annotation that has it read at once.
    pub(crate) fn look(mut self, value: &str) -> Self {
        self.annotations.insert("empire.dev/look".into(), json!(value));
        self
    }

    /// Adds it, or puts it in the place of one of the same name.
    pub(crate) fn process(mut self, name: &str, process: ProcessFixture) -> Self {
        self.processes.insert(name.into(), Value::Object(process.0));
        self
    }

    pub(crate) fn without(mut self, process: &str) -> Self {
        self.processes.remove(process);
        self
    }

    fn field(mut self, name: &str, value: Value) -> Self {
        self.spec.insert(name.into(), value);
        self
    }

    /// `namespace/name`.
    pub(crate) fn key(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    pub(crate) fn build(&self) -> App {
        let mut spec = self.spec.clone();
        spec.insert("processes".into(), Value::Object(self.processes.clone()));
        let object = json!({
            "apiVersion": "empire.dev/v1alpha1",
            "kind": "App",
            "metadata": {
                "namespace": self.namespace, "name": self.name, "generation": 1, "annotations": self.annotations,
            },
            "spec": spec,
        });
        serde_json::from_value(object).unwrap()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct ProcessFixture(Map<String, Value>);

pub(crate) fn process(command: &str) -> ProcessFixture {
    let mut fields = Map::new();
    fields.insert("command".into(), json!(command));
    ProcessFixture(fields)
}

/// Says nothing at all: the image's own command runs.
pub(crate) fn bare() -> ProcessFixture {
    ProcessFixture(Map::new())
}

/// Says nothing about exposure, which a process named `web` has all the same.
pub(crate) fn web() -> ProcessFixture {
    process("./bin/web").quantity(1)
}

pub(crate) fn worker() -> ProcessFixture {
    process("./bin/worker").quantity(1)
}

impl ProcessFixture {
    pub(crate) fn secrets(self, secrets: &[(&str, &str)]) -> Self {
        let secrets: Map<String, Value> = secrets
            .iter()
            .map(|(name, secret)| ((*name).into(), json!(secret)))
            .collect();
        self.field("secrets", Value::Object(secrets))
    }

    pub(crate) fn rolling_on_change(self) -> Self {
        self.field("rollOnChange", json!(true))
    }

    pub(crate) fn quantity(self, quantity: u32) -> Self {
        self.field("quantity", json!(quantity))
    }

    /// By AWS, in place of a quantity.
    pub(crate) fn scale(mut self, scale: Value) -> Self {
        self.0.remove("quantity");
        self.field("scale", scale)
    }

    /// Left to whoever scales it.
    pub(crate) fn any_quantity(mut self) -> Self {
        self.0.remove("quantity");
        self
    }

    /// Instead of a service.
    pub(crate) fn cron(mut self, text: &str) -> Self {
        self.0.remove("quantity");
        self.field("cron", json!(text))
    }

    pub(crate) fn time_zone(self, zone: &str) -> Self {
        self.field("timezone", json!(zone))
    }

    pub(crate) fn noservice(mut self) -> Self {
        self.0.remove("quantity");
        self.field("noservice", json!(true))
    }

    pub(crate) fn memory(self, memory: &str) -> Self {
        self.field("memory", json!(memory))
    }

    pub(crate) fn env(self, name: &str, value: &str) -> Self {
        self.field("env", json!({ name: value }))
    }

    pub(crate) fn deploy(self, deploy: Value) -> Self {
        self.field("deploy", deploy)
    }

    pub(crate) fn placement(self, placement: Value) -> Self {
        self.field("placement", placement)
    }

    pub(crate) fn image(self, image: &str) -> Self {
        self.field("image", json!(image))
    }

    pub(crate) fn capacity(self, capacity: Value) -> Self {
        self.field("capacity", capacity)
    }

    pub(crate) fn security_groups(self, groups: &[&str]) -> Self {
        self.field("securityGroups", json!(groups))
    }

    pub(crate) fn exec(self, on: bool) -> Self {
        self.field("exec", json!(on))
    }

    pub(crate) fn health_check(self, command: &str) -> Self {
        self.field("healthCheck", json!({ "command": command }))
    }

    pub(crate) fn docker_label(self, name: &str, value: &str) -> Self {
        self.field("dockerLabels", json!({ name: value }))
    }

    pub(crate) fn architecture(self, architecture: &str) -> Self {
        self.field("architecture", json!(architecture))
    }

    pub(crate) fn volume(mut self, name: &str, volume: Value) -> Self {
        let volumes = self.0.entry("volumes").or_insert_with(|| json!({}));
        volumes[name] = volume;
        self
    }

    pub(crate) fn mount(mut self, path: &str, volume: &str) -> Self {
        let mounts = self.0.entry("mounts").or_insert_with(|| json!({}));
        mounts[path] = json!({ "volume": volume });
        self
    }

    /// With any field that has no function of its own.
    pub(crate) fn having(self, name: &str, value: Value) -> Self {
        self.field(name, value)
    }

    /// With members of its own container, by AWS's names.
    pub(crate) fn overriding(self, process: &str, set: &Value) -> Self {
        self.having("overrides", json!([{ "on": process, "set": set }]))
    }

    /// With a file system in memory of 64 MiB.
    pub(crate) fn tmpfs(self, path: &str) -> Self {
        self.field("tmpfs", json!({ path: "64Mi" }))
    }

    /// With a container of this image beside it.
    pub(crate) fn beside(mut self, name: &str, image: &str) -> Self {
        let sidecars = self.0.entry("sidecars").or_insert_with(|| json!({}));
        sidecars[name] = json!({ "image": image, "memory": "64Mi" });
        self
    }

    /// Starts after another container of its tasks.
    pub(crate) fn after(self, name: &str, condition: &str) -> Self {
        self.field("dependsOn", json!({ name: condition }))
    }

    pub(crate) fn exposed(self) -> Self {
        self.expose("type", json!("http"))
    }

    pub(crate) fn unexposed(mut self) -> Self {
        self.0.insert("expose".into(), json!({ "type": "none" }));
        self
    }

    pub(crate) fn external(self) -> Self {
        self.expose("external", json!(true))
    }

    pub(crate) fn internal(self) -> Self {
        self.expose("external", json!(false))
    }

    pub(crate) fn container_port(self, port: u16) -> Self {
        self.expose("containerPort", json!(port))
    }

    pub(crate) fn hostnames(self, hostnames: &[&str]) -> Self {
        self.expose("hostnames", json!(hostnames))
    }

    pub(crate) fn grace_period(self, period: &str) -> Self {
        self.expose("gracePeriod", json!(period))
    }

    pub(crate) fn check_path(self, path: &str) -> Self {
        self.expose("check", json!({ "path": path }))
    }

    pub(crate) fn http(self) -> Self {
        self.expose("type", json!("http"))
    }

    pub(crate) fn https(self, certificates: &[&str]) -> Self {
        self.expose("type", json!("https")).certificates(certificates)
    }

    pub(crate) fn tcp(self) -> Self {
        self.expose("type", json!("tcp"))
    }

    pub(crate) fn tls(self, certificates: &[&str]) -> Self {
        self.expose("type", json!("tls")).certificates(certificates)
    }

    /// Port, protocol, and where it leads in the container.
    pub(crate) fn listeners(self, listeners: &[(u16, &str, u16)]) -> Self {
        let listener = |(port, protocol, container_port): &(u16, &str, u16)| json!({ "port": port, "protocol": protocol, "containerPort": container_port });
        let listeners: Vec<Value> = listeners.iter().map(listener).collect();
        self.expose("listeners", json!(listeners))
    }

    pub(crate) fn certificates(self, certificates: &[&str]) -> Self {
        let arns: Vec<String> = certificates.iter().map(|name| certificate(name)).collect();
        self.expose("certificateArns", json!(arns))
    }

    pub(crate) fn idle_timeout(self, timeout: &str) -> Self {
        self.expose("idleTimeout", json!(timeout))
    }

    pub(crate) fn deregistration_delay(self, delay: &str) -> Self {
        self.expose("deregistrationDelay", json!(delay))
    }

    pub(crate) fn success_codes(self, codes: &str) -> Self {
        self.expose("check", json!({ "successCodes": codes }))
    }

    fn expose(mut self, name: &str, value: Value) -> Self {
        let expose = self.0.entry("expose").or_insert_with(|| json!({}));
        expose[name] = value;
        self
    }

    fn field(mut self, name: &str, value: Value) -> Self {
        self.0.insert(name.into(), value);
        self
    }
}

pub(crate) fn certificate(name: &str) -> String {
    format!("arn:aws:acm:us-east-1:123456789012:certificate/{name}")
}

#[derive(Clone, Debug)]
pub(crate) struct PlatformFixture(Value);

/// Bridge mode with dynamic host ports, load balancers of both kinds, and no DNS.
pub(crate) fn platform(name: &str) -> PlatformFixture {
    PlatformFixture(json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "Platform",
        "metadata": { "name": name, "generation": 1 },
        "spec": {
            "region": "us-east-1",
            "cluster": "default",
            "tasks": { "schedulerRoleArn": "arn:aws:iam::123456789012:role/scheduler" },
            "network": {
                "vpcId": "vpc-1",
                "mode": "bridge",
                "internal": { "subnets": ["subnet-a", "subnet-b"], "securityGroups": ["sg-int"] },
                "external": { "subnets": ["subnet-c", "subnet-d"], "securityGroups": ["sg-ext"] },
            },
        },
    }))
}

/// With the one zone that most tests want.
pub(crate) fn staging() -> PlatformFixture {
    platform("staging").internal_zone()
}

impl PlatformFixture {
    pub(crate) fn internal_zone(mut self) -> Self {
        self.0["spec"]["dns"]["internal"] = json!({ "hostedZoneId": INTERNAL_ZONE });
        self.0["status"]["zones"]["internal"] = json!("example.com");
        self.0["status"]["observedGeneration"] = json!(1);
        self
    }

    /// With a public zone alone.
    pub(crate) fn external_zone(mut self) -> Self {
        self.0["spec"]["dns"]["external"] = json!({ "hostedZoneId": EXTERNAL_ZONE });
        self.0["status"]["zones"]["external"] = json!("example.com");
        self.0["status"]["observedGeneration"] = json!(1);
        self
    }

    /// A private zone and a public one of the same name.
    pub(crate) fn split_horizon(mut self) -> Self {
        self = self.internal_zone();
        self.0["spec"]["dns"]["external"] = json!({ "hostedZoneId": EXTERNAL_ZONE });
        self.0["status"]["zones"]["external"] = json!("example.com");
        self
    }

    pub(crate) fn bridge_ports(mut self, first: u16, last: u16) -> Self {
        self.0["spec"]["network"]["hostPorts"] = json!({ "first": first, "last": last });
        self
    }

    pub(crate) fn awsvpc(mut self, security_group: &str) -> Self {
        self.0["spec"]["network"]["mode"] = json!("awsvpc");
        self.0["spec"]["network"]["tasks"] =
            json!({ "subnets": ["subnet-t"], "securityGroups": [security_group] });
        self
    }

    /// On the network of the instances.
    pub(crate) fn host(mut self) -> Self {
        self.0["spec"]["network"]["mode"] = json!("host");
        self
    }

    /// Leaves the security groups of tasks to AWS's default.
    pub(crate) fn without_task_security_groups(mut self) -> Self {
        self.0["spec"]["network"]["tasks"]["securityGroups"] = json!([]);
        self
    }

    /// On one capacity provider, which AWS has said is of that kind.
    pub(crate) fn managed_instances(mut self, name: &str) -> Self {
        self = self.capacity_providers(&[(name, 1)]);
        self.0["status"]["observedGeneration"] = json!(1);
        self.0["status"]["capacityProviders"] = json!({ name: "ManagedInstances" });
        self
    }

    /// Sets capacity providers by name and weight.
    pub(crate) fn capacity_providers(mut self, providers: &[(&str, u32)]) -> Self {
        let all = providers
            .iter()
            .map(|(name, weight)| json!({ "name": name, "weight": weight }));
        self.0["spec"]["capacity"] = json!({ "capacityProviders": all.collect::<Vec<_>>() });
        self
    }

    /// For all tasks, whatever their processes say.
    pub(crate) fn constraints(mut self, constraints: &Value) -> Self {
        self.0["spec"]["placement"] = json!({ "constraints": constraints });
        self
    }

    /// Lets processes name these security groups.
    pub(crate) fn security_groups(mut self, groups: &[&str]) -> Self {
        self.0["spec"]["tenancy"] = json!({ "namespaceSelector": {}, "securityGroups": groups });
        self
    }

    /// Allows processes to have sidecars.
    pub(crate) fn sidecars(mut self) -> Self {
        self.0["spec"]["tenancy"] = json!({ "namespaceSelector": {}, "sidecars": true });
        self
    }

    /// Allows volumes of these file systems, sidecars and any role.
    pub(crate) fn file_systems(mut self, patterns: &[&str]) -> Self {
        self.0["spec"]["tenancy"] = json!({
            "namespaceSelector": {}, "fileSystems": patterns, "taskRoleArns": ["*"], "sidecars": true,
        });
        self
    }

    /// With containers in each task.
    pub(crate) fn task_sidecars(mut self, sidecars: Value) -> Self {
        self.0["spec"]["tasks"]["sidecars"] = sidecars;
        self
    }

    /// With the output of a log router among those.
    pub(crate) fn log_routing(mut self, routing: Value) -> Self {
        self.0["spec"]["tasks"]["logRouting"] = routing;
        self
    }

    /// Allows sidecars, and logging of Apps' own.
    pub(crate) fn own_logging(mut self) -> Self {
        self.0["spec"]["tenancy"] = json!({ "namespaceSelector": {}, "sidecars": true, "logging": true });
        self
    }

    /// Allows these files in S3 and sidecars.
    pub(crate) fn files(mut self, patterns: &[&str]) -> Self {
        self.0["spec"]["tenancy"] =
            json!({ "namespaceSelector": {}, "fileArns": patterns, "sidecars": true });
        self.0["spec"]["tasks"]["executionRoleArn"] = json!("arn:aws:iam::123456789012:role/execution");
        self
    }

    /// Allows overrides of these members, and sidecars.
    pub(crate) fn overrides(mut self, paths: &[&str]) -> Self {
        self.0["spec"]["tenancy"] = json!({ "namespaceSelector": {}, "overrides": paths, "sidecars": true });
        self
    }

    /// With an execution role, and where Apps may have any secret besides.
    pub(crate) fn any_secrets(mut self) -> Self {
        self.0["spec"]["tasks"]["executionRoleArn"] = json!("arn:aws:iam::123456789012:role/execution");
        self.0["spec"]["tenancy"]["secretArns"] = json!(["arn:aws:*"]);
        self
    }

    /// Where Apps may have ECS Exec, and any role.
    pub(crate) fn exec(mut self) -> Self {
        self.0["spec"]["tenancy"] = json!({ "namespaceSelector": {}, "taskRoleArns": ["*"], "exec": true });
        self
    }

    pub(crate) fn without_scheduler_role(mut self) -> Self {
        self.0["spec"]["tasks"] = json!({});
        self
    }

    pub(crate) fn alias(mut self) -> Self {
        self.0["spec"]["dns"]["recordType"] = json!("Alias");
        self
    }

    pub(crate) fn ttl(mut self, seconds: u32) -> Self {
        self.0["spec"]["dns"]["ttlSeconds"] = json!(seconds);
        self
    }

    pub(crate) fn without_load_balancing(mut self) -> Self {
        self.0["spec"]["loadBalancing"] = json!({ "provider": "None" });
        self
    }

    pub(crate) fn tag(mut self, key: &str, value: &str) -> Self {
        self.0["spec"]["tags"][key] = json!(value);
        self
    }

    pub(crate) fn logging(mut self, driver: &str, options: &[(&str, &str)]) -> Self {
        let options: Map<String, Value> = options
            .iter()
            .map(|(name, value)| ((*name).into(), json!(value)))
            .collect();
        self.0["spec"]["tasks"]["logging"] = json!({ "driver": driver, "options": options });
        self
    }

    /// A log group for each App.
    pub(crate) fn log_groups(mut self, more: &Value) -> Self {
        let mut logging = json!({ "driver": "awslogs", "group": "PerApp" });
        let fields = logging.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        self.0["spec"]["tasks"]["logging"] = logging;
        self
    }

    pub(crate) fn without_external_security_groups(mut self) -> Self {
        self.0["spec"]["network"]["external"]["securityGroups"] = json!([]);
        self
    }

    pub(crate) fn external_subnets(mut self, subnets: &[&str]) -> Self {
        self.0["spec"]["network"]["external"]["subnets"] = json!(subnets);
        self
    }

    pub(crate) fn external_security_group(mut self, group: &str) -> Self {
        self.0["spec"]["network"]["external"]["securityGroups"] = json!([group]);
        self
    }

    /// As if its own pass had seen them in the spec before.
    pub(crate) fn gave_external_security_group(mut self, group: &str) -> Self {
        self.0["status"]["securityGroups"]["external"] = json!([group]);
        self
    }

    /// As if its own pass had seen them in the spec before.
    pub(crate) fn gave_task_security_group(mut self, group: &str) -> Self {
        self.0["status"]["securityGroups"]["tasks"] = json!([group]);
        self
    }

    /// With an execution role, and with Apps of some namespaces, which may have the roles and the secrets of shop.
    pub(crate) fn tenants(mut self, labels: &Value) -> Self {
        self.0["spec"]["tasks"]["executionRoleArn"] = json!("arn:aws:iam::123456789012:role/execution");
        self.0["spec"]["tenancy"] = json!({
            "namespaceSelector": { "matchLabels": labels },
            "taskRoleArns": ["arn:aws:iam::123456789012:role/shop/*"],
            "secretArns": ["arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/*"],
        });
        self
    }

    /// With an execution role, and with Apps of all namespaces, which may have these secrets.
    pub(crate) fn secrets(self, arns: &[&str]) -> Self {
        let mut platform = self.tenants(&json!({}));
        platform.0["spec"]["tenancy"]["secretArns"] = json!(arns);
        platform
    }

    /// The same, with these grants, and no others.
    pub(crate) fn granting(&self, grants: &[Value]) -> Self {
        let mut platform = self.clone();
        let tenancy = &mut platform.0["spec"]["tenancy"];
        if tenancy.is_null() {
            *tenancy = json!({ "namespaceSelector": {} });
        }
        tenancy["grants"] = json!(grants);
        platform
    }

    /// The names that processes get by themselves.
    pub(crate) fn naming(mut self, templates: &[&str]) -> Self {
        self.0["spec"]["dns"]["nameTemplates"] = json!(templates);
        self
    }

    /// Names that are given up are kept for so long.
    pub(crate) fn keeping_names_for(mut self, duration: &str) -> Self {
        self.0["spec"]["tenancy"]["keepNamesFor"] = json!(duration);
        self
    }

    pub(crate) fn build(&self) -> Platform {
        serde_json::from_value(self.0.clone()).unwrap()
    }
}
