//! Deadline Cloud: farms, queues, fleets, queue environments, and the queue role's credentials.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::caller::What;
use super::signed::{Request, unreadable};
use super::{Aws, QueueRole, QueueRoleCell};
use crate::domain::call::Vantage;
use crate::domain::fact::Fact;
use crate::domain::farm::{
    Association, CpuArchitecture, Farm, Fleet, Listed, Management, OperatingSystem, Queue,
    QueueEnvironment, TemplateText,
};
use crate::domain::ids::{FarmId, FleetKey, QueueEnvironmentId, QueueKey};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::storage::{Location, StorageProfile};
use crate::domain::template::TemplateType;
use crate::domain::text::{Printable, Untrusted};
use crate::domain::worker_environment::without_extension;
use crate::resources::{Change, EnvironmentTemplate, Outputs, QueueRoleLink};
use crate::world::Record;

const SERVICE: &str = "deadline";
/// How long a service may take until it knows a new role, and how often it is asked.
const NEW_ROLE: std::time::Duration = std::time::Duration::from_secs(20);
const PAUSE: std::time::Duration = std::time::Duration::from_secs(4);

/// A list that has no end is none.
const PAGES: usize = 200;

fn request(method: http::Method, path: &str, body: Option<&Value>, token: Option<&str>) -> Request {
    let mut headers = Vec::new();
    if body.is_some() {
        headers.push(("content-type", "application/json".to_owned()));
    }
    if let Some(token) = token {
        headers.push(("x-amz-client-token", token.to_owned()));
    }
    Request {
        service: SERVICE,
        prefix: "management.",
        method,
        path: format!("2023-10-12/{path}"),
        headers,
        body: body.map_or_else(String::new, Value::to_string),
    }
}

fn text(value: &Value) -> Untrusted {
    Untrusted::new(value.as_str().unwrap_or_default())
}

/// A text that is not empty.
pub(super) fn some(value: &Value) -> Option<Untrusted> {
    let text = value.as_str().filter(|t| !t.is_empty());
    text.map(Untrusted::new)
}

fn word<'a, T: From<&'a str>>(value: &'a Value) -> T {
    T::from(value.as_str().unwrap_or_default())
}

pub(super) fn of_queue(key: &QueueKey) -> String {
    format!("farms/{}/queues/{}", key.farm, key.queue)
}

fn of_environment(key: &QueueKey, id: &QueueEnvironmentId) -> String {
    format!("{}/environments/{id}", of_queue(key))
}

impl Aws {
    pub(super) async fn deadline(
        &self,
        record: &Record,
        what: What<'_>,
        path: &str,
    ) -> Result<Value, Problem> {
        let doing = what.doing.clone();
        let request = request(http::Method::GET, path, None, None);
        let body = self.read(record, what, &request).await?.json();
        if body.is_object() {
            Ok(body)
        } else {
            Err(unreadable(&doing))
        }
    }

    /// Every row of a list, page by page.
    pub(super) async fn deadline_rows<'w>(
        &self,
        record: &Record,
        what: impl Fn() -> What<'w>,
        path: &str,
        member: &str,
    ) -> Result<Vec<Value>, Problem> {
        let (mut all, mut next) = (Vec::new(), None::<String>);
        for _ in 0..PAGES {
            let page = match &next {
                Some(token) => {
                    let token = percent_encoding::utf8_percent_encode(
                        token,
                        percent_encoding::NON_ALPHANUMERIC,
                    );
                    let separator = if path.contains('?') { '&' } else { '?' };
                    format!("{path}{separator}nextToken={token}")
                }
                None => path.to_owned(),
            };
            let mut body = self.deadline(record, what(), &page).await?;
            let Value::Array(rows) = body[member].take() else {
                return Err(unreadable(&what().doing));
            };
            all.extend(rows);
            match body["nextToken"].as_str() {
                // A page that says it is its own next would go on for ever.
                Some(token) if next.as_deref() != Some(token) => next = Some(token.to_owned()),
                _ => return Ok(all),
            }
        }
        Err(unreadable(&what().doing))
    }

    pub(super) async fn deadline_write(
        &self,
        record: &Record,
        what: What<'_>,
        (method, path): (http::Method, &str),
        (body, token): (Option<&Value>, Option<&str>),
    ) -> Result<Value, Problem> {
        let request = request(method, path, body, token);
        Ok(self.write(record, what, &request).await?.json())
    }
}

impl Aws {
    /// A search is a POST that changes nothing: it is sent again as a read is.
    pub(super) async fn deadline_search(
        &self,
        record: &Record,
        what: What<'_>,
        path: &str,
        body: &Value,
    ) -> Result<Value, Problem> {
        let request = request(http::Method::POST, path, Some(body), None);
        Ok(self.read(record, what, &request).await?.json())
    }
}

/// Sends a template, and without its OpenJD extension where the service takes none; what came back, and that it was so. A
/// request that was refused made nothing, so its token is free for another text.
async fn sent_as_taken<T, Sent: Future<Output = Result<T, Problem>>>(
    template: &str,
    send: impl Fn(String) -> Sent,
) -> Result<(T, Outputs), Problem> {
    match send(template.to_owned()).await {
        Err(problem) if problem.kind == ProblemKind::Invalid && refuses_extensions(&problem) => {
            let Some(plain) = without_extension(template) else {
                return Err(problem);
            };
            Ok((
                send(plain).await?,
                EnvironmentTemplate::without_extensions(),
            ))
        }
        made => Ok((made?, Outputs::new())),
    }
}

/// Does the service say that it takes no extensions of OpenJD? Whether it does is not known (field facts A2).
fn refuses_extensions(problem: &Problem) -> bool {
    problem.because.to_ascii_lowercase().contains("extension")
}

fn service_type(kind: TemplateType) -> &'static str {
    match kind {
        TemplateType::Json => "JSON",
        TemplateType::Yaml => "YAML",
    }
}

fn wrong_id(doing: &str, e: &crate::domain::ids::NotAnId) -> Problem {
    Problem::new(
        ProblemKind::Invalid,
        doing,
        format!("the service answered an id that is none: {e}"),
        "check --endpoint-url: is this AWS?",
    )
}

impl Aws {
    pub async fn look_farms(&self, record: &Record) -> Fact<Vec<Listed>> {
        let what = || What::new(SERVICE, "ListFarms", "farms", "Could not list the farms");
        let rows = self.deadline_rows(record, what, "farms", "farms").await;
        let listed = |row: &Value| Listed {
            id: text(&row["farmId"]).raw().to_owned(),
            name: text(&row["displayName"]),
        };
        rows.map(|rows| rows.iter().map(listed).collect()).into()
    }

    pub async fn look_queues(&self, record: &Record, farm: &FarmId) -> Fact<Vec<Listed>> {
        let doing = format!("Could not list the queues of {farm}");
        let what = || What::new(SERVICE, "ListQueues", farm.as_str(), doing.clone());
        let path = format!("farms/{farm}/queues");
        let rows = self.deadline_rows(record, what, &path, "queues").await;
        let listed = |row: &Value| Listed {
            id: text(&row["queueId"]).raw().to_owned(),
            name: text(&row["displayName"]),
        };
        rows.map(|rows| rows.iter().map(listed).collect()).into()
    }

    pub async fn look_farm(&self, record: &Record, farm: &FarmId) -> Fact<Farm> {
        let doing = format!("Could not read farm {farm}");
        let what = What::new(SERVICE, "GetFarm", farm.as_str(), doing);
        let answer = self.deadline(record, what, &format!("farms/{farm}")).await;
        answer
            .map(|it| Farm {
                id: farm.clone(),
                name: text(&it["displayName"]),
                key: some(&it["kmsKeyArn"]),
            })
            .into()
    }

    pub async fn look_queue(&self, record: &Record, key: &QueueKey) -> Fact<Queue> {
        let doing = format!("Could not read queue {}", key.queue);
        let what = What::new(SERVICE, "GetQueue", key.queue.as_str(), doing);
        let answer = self.deadline(record, what, &of_queue(key)).await;
        let queue = |it: Value| Queue {
            name: text(&it["displayName"]),
            status: word(&it["status"]),
            blocked_reason: some(&it["blockedReason"]),
            role: some(&it["roleArn"]),
            attachments_prefix: some(&it["jobAttachmentSettings"]["rootPrefix"]),
            attachments_bucket: some(&it["jobAttachmentSettings"]["s3BucketName"]),
            storage_profiles: it["allowedStorageProfileIds"]
                .as_array()
                .into_iter()
                .flatten()
                .map(text)
                .collect(),
        };
        answer.map(queue).into()
    }

    pub async fn look_queue_fleets(
        &self,
        record: &Record,
        key: &QueueKey,
    ) -> Fact<Vec<Association>> {
        let doing = format!("Could not list the fleets of queue {}", key.queue);
        let named = key.queue.as_str();
        let what = || What::new(SERVICE, "ListQueueFleetAssociations", named, doing.clone());
        let path = format!(
            "farms/{}/queue-fleet-associations?queueId={}",
            key.farm, key.queue
        );
        let rows = self.deadline_rows(record, what, &path, "queueFleetAssociations");
        let association = |row: &Value| {
            let fleet = row["fleetId"].as_str().unwrap_or_default();
            Ok(Association {
                fleet: fleet.parse().map_err(|e| wrong_id(&doing, &e))?,
                status: word(&row["status"]),
            })
        };
        let listed: Result<Vec<Association>, Problem> = match rows.await {
            Ok(rows) => rows.iter().map(association).collect(),
            Err(problem) => Err(problem),
        };
        listed.into()
    }

    pub async fn look_fleet(&self, record: &Record, key: &FleetKey) -> Fact<Fleet> {
        let id = &key.fleet;
        let what = What::new(
            SERVICE,
            "GetFleet",
            id.as_str(),
            format!("Could not read fleet {id}"),
        );
        let path = format!("farms/{}/fleets/{id}", key.farm);
        let answer = self.deadline(record, what, &path).await;
        answer.map(|it| fleet(&it)).into()
    }

    pub async fn look_storage_profile(
        &self,
        record: &Record,
        farm: &FarmId,
        id: &str,
    ) -> Fact<StorageProfile> {
        let doing = format!(
            "Could not read storage profile {}",
            Printable::short(id, 40)
        );
        let what = What::new(SERVICE, "GetStorageProfile", id, doing);
        let encoded = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
        let path = format!("farms/{farm}/storage-profiles/{encoded}");
        let answer = self.deadline(record, what, &path).await;
        let location = |row: &Value| Location {
            name: text(&row["name"]),
            path: text(&row["path"]),
        };
        let locations = |it: &Value| {
            let rows = it["fileSystemLocations"].as_array().into_iter().flatten();
            rows.map(location).collect()
        };
        answer
            .map(|it| StorageProfile {
                name: text(&it["displayName"]),
                os: word(&it["osFamily"]),
                locations: locations(&it),
            })
            .into()
    }

    pub async fn look_environments(
        &self,
        record: &Record,
        key: &QueueKey,
    ) -> Fact<Vec<Fact<QueueEnvironment>>> {
        let doing = format!("Could not list the environments of queue {}", key.queue);
        let listed: Result<Vec<Fact<QueueEnvironment>>, Problem> = async {
            let named = key.queue.as_str();
            let what = || What::new(SERVICE, "ListQueueEnvironments", named, doing.clone());
            let path = format!("{}/environments", of_queue(key));
            let rows = self.deadline_rows(record, what, &path, "environments");
            let mut rows = rows.await?;
            // They run by priority; the service lists the older first among equals, and the sort keeps that.
            rows.sort_by_key(|row| row["priority"].as_i64());
            let doing = &doing;
            let texts = rows.into_iter().map(|row| async move {
                let id = row["queueEnvironmentId"].as_str().unwrap_or_default();
                let id: QueueEnvironmentId = id.parse().map_err(|e| wrong_id(doing, &e))?;
                Ok(self.look_environment(record, key, &id).await)
            });
            join_all(texts).await.into_iter().collect()
        }
        .await;
        listed.into()
    }

    pub async fn look_environment(
        &self,
        record: &Record,
        key: &QueueKey,
        id: &QueueEnvironmentId,
    ) -> Fact<QueueEnvironment> {
        let doing = format!("Could not read queue environment {id}");
        let what = What::new(SERVICE, "GetQueueEnvironment", id.as_str(), doing.clone());
        let answer = self.deadline(record, what, &of_environment(key, id)).await;
        let read = answer.and_then(|it| {
            let template = it["template"].as_str().ok_or_else(|| unreadable(&doing))?;
            let kind = match it["templateType"].as_str() {
                Some("JSON") => TemplateType::Json,
                _ => TemplateType::Yaml,
            };
            let priority = it["priority"].as_i64();
            Ok(QueueEnvironment {
                id: id.clone(),
                name: text(&it["name"]),
                priority: priority.and_then(|p| p.try_into().ok()).unwrap_or_default(),
                template: TemplateText::new(template.to_owned(), kind),
            })
        });
        read.into()
    }

    pub async fn change_environment(
        &self,
        record: &Record,
        resource: &EnvironmentTemplate,
        change: &Change,
        token: &str,
    ) -> Result<Outputs, Problem> {
        let EnvironmentTemplate {
            queue,
            id,
            priority,
            template_type,
            ..
        } = resource;
        let doing = format!("Could not change the {}", change.words());
        let about = id
            .as_ref()
            .map_or(queue.queue.as_str(), QueueEnvironmentId::as_str);
        let what = || What::new(SERVICE, change.operation(), about, doing.clone());
        let kind = service_type(*template_type);
        match (&change.before, &change.after, id) {
            (None, Some(template), _) => {
                let path = format!("{}/environments", of_queue(queue));
                let (made, mut outputs) = sent_as_taken(template, |text| {
                    let body =
                        json!({ "priority": priority, "templateType": kind, "template": text });
                    let (path, what) = (&path, &what);
                    async move {
                        let to = (http::Method::POST, path.as_str());
                        self.deadline_write(record, what(), to, (Some(&body), Some(token)))
                            .await
                    }
                })
                .await?;
                let made = made["queueEnvironmentId"].as_str().unwrap_or_default();
                let made = made.parse().map_err(|e| wrong_id(&doing, &e))?;
                outputs.extend(EnvironmentTemplate::outputs(&made));
                Ok(outputs)
            }
            (Some(_), Some(template), Some(id)) => {
                let path = of_environment(queue, id);
                let sent = sent_as_taken(template, |text| {
                    let body = json!({ "templateType": kind, "template": text });
                    let (path, what) = (&path, &what);
                    async move {
                        let to = (http::Method::PATCH, path.as_str());
                        self.deadline_write(record, what(), to, (Some(&body), Some(token)))
                            .await
                    }
                });
                sent.await.map(|(_, outputs)| outputs)
            }
            (Some(_), None, Some(id)) => {
                let path = of_environment(queue, id);
                let to = (http::Method::DELETE, path.as_str());
                self.deadline_write(record, what(), to, (None, None))
                    .await?;
                Ok(Outputs::new())
            }
            _ => Err(Problem::new(
                ProblemKind::Local,
                doing,
                "the change names no environment id",
                "make a new plan",
            )),
        }
    }

    /// Gives a queue another role. The service has no call that takes a queue's role away.
    pub async fn change_queue_role(
        &self,
        record: &Record,
        QueueRoleLink { queue }: &QueueRoleLink,
        change: &Change,
        token: &str,
    ) -> Result<(), Problem> {
        let doing = format!("Could not change the {}", change.words());
        let Some(role) = &change.after else {
            return Err(Problem::new(
                ProblemKind::Local,
                doing,
                "UpdateQueue can't take a queue's role away",
                "nothing to do: the queue keeps it",
            ));
        };
        let began = std::time::Instant::now();
        loop {
            let what = What::new(
                SERVICE,
                change.operation(),
                queue.queue.as_str(),
                doing.clone(),
            );
            let (path, body) = (of_queue(queue), json!({ "roleArn": role }));
            let to = (http::Method::PATCH, path.as_str());
            let sent = self.deadline_write(record, what, to, (Some(&body), Some(token)));
            match sent.await {
                // A role that was made a moment ago may not be known everywhere yet: IAM is eventually consistent.
                Err(p) if p.kind == ProblemKind::Invalid && began.elapsed() < NEW_ROLE => {
                    tokio::time::sleep(PAUSE).await;
                }
                other => return other.map(|_| ()),
            }
        }
    }

    pub(super) async fn queue_role_s3(
        &self,
        record: &Record,
        key: &QueueKey,
    ) -> Result<aws_sdk_s3::Client, Problem> {
        Ok(self.queue_role(record, key).await?.s3)
    }

    /// Clients that hold the queue role's credentials. One role session per queue and process.
    pub(super) async fn queue_role(
        &self,
        record: &Record,
        key: &QueueKey,
    ) -> Result<QueueRole, Problem> {
        let cell = {
            let mut held = self.queue_roles.lock().await;
            let cell = held.entry(key.clone()).or_default();
            // A wizard may stay open for longer than a session lives.
            let over = jiff::Timestamp::now().as_second() + 60;
            if cell.get().is_some_and(|held| held.expires < over) {
                *cell = QueueRoleCell::default();
            }
            cell.clone()
        };
        let client = cell.get_or_try_init(|| async {
            let doing = format!(
                "Could not get the queue role's credentials for queue {}",
                key.queue
            );
            let what = What::new(SERVICE, "AssumeQueueRoleForUser", key.queue.as_str(), doing)
                .seen_from(Vantage::Aws);
            let path = format!("{}/user-roles", of_queue(key));
            let out = self.deadline(record, what, &path).await;
            let out = out.map_err(two_causes)?;
            let given = &out["credentials"];
            let part = |name: &str| given[name].as_str().map(str::to_owned);
            let end: Option<jiff::Timestamp> = part("expiration").and_then(|e| e.parse().ok());
            let (Some(id), Some(secret), token, Some(end)) = (
                part("accessKeyId"),
                part("secretAccessKey"),
                part("sessionToken"),
                end,
            ) else {
                return Err(Problem::new(
                    ProblemKind::Invalid,
                    "Could not get the queue role's credentials",
                    "the service answered without credentials",
                    "run it again",
                ));
            };
            let expires = end.as_second();
            let credentials =
                aws_credential_types::Credentials::new(id, secret, token, None, "queue role");
            let config = aws_sdk_s3::config::Builder::from(&self.config)
                .credentials_provider(credentials.clone())
                .force_path_style(self.path_style)
                .build();
            Ok(QueueRole {
                s3: aws_sdk_s3::Client::from_conf(config),
                credentials,
                expires,
            })
        });
        client.await.cloned()
    }
}

/// A fleet as the service describes it. A kind that this version does not know stays unknown.
fn fleet(it: &Value) -> Fleet {
    let configuration = &it["configuration"];
    let (customer, service) = (
        &configuration["customerManaged"],
        &configuration["serviceManagedEc2"],
    );
    let (management, can) = if customer.is_object() {
        (Management::Customer, &customer["workerCapabilities"])
    } else if service.is_object() {
        (Management::Service, &service["instanceCapabilities"])
    } else {
        let unknown = Management::Unknown(Untrusted::default());
        (unknown, &Value::Null)
    };
    let texts = |list: &Value| -> Vec<Untrusted> {
        let all = list.as_array().into_iter().flatten();
        all.map(text).collect()
    };
    let attributes = can["customAttributes"].as_array().into_iter().flatten();
    let roles = attributes.filter(|a| a["name"] == "attr.role");
    let count = |name: &str| it[name].as_i64().unwrap_or_default();
    Fleet {
        name: text(&it["displayName"]),
        status: word(&it["status"]),
        management,
        os: word::<OperatingSystem>(&can["osFamily"]),
        cpu: word::<CpuArchitecture>(&can["cpuArchitectureType"]),
        workers: count("workerCount"),
        max_workers: count("maxWorkerCount"),
        roles: roles.flat_map(|a| texts(&a["values"])).collect(),
        role: some(&it["roleArn"]),
        message: some(&it["statusMessage"]),
        configurations: texts(&service["vpcConfiguration"]["resourceConfigurationArns"]),
        wants: it["targetWorkerCount"]
            .as_i64()
            .filter(|_| it["autoScalingStatus"] == "GROWING"),
        storage_profile: some(&customer["storageProfileId"])
            .or_else(|| some(&service["storageProfileId"])),
        host_script: some(&it["hostConfiguration"]["scriptBody"]),
    }
}

/// One code has two causes here, and the message does not tell them apart: the check of the trust policy tells them apart.
fn two_causes(mut problem: Problem) -> Problem {
    if problem.kind == ProblemKind::Denied {
        problem.because = "AWS did not hand out the queue role's credentials (AccessDenied): \
            either this identity lacks deadline:AssumeQueueRoleForUser, or the role's trust policy \
            refuses Deadline Cloud"
            .to_owned();
        problem.fix = "look at the check queue-role-trust: where it is OK, add deadline:AssumeQueueRoleForUser to this identity".to_owned();
    }
    problem
}
