//! Deadline Cloud: farms, queues, fleets, queue environments, and the queue role's credentials.

use aws_sdk_deadline::types::{EnvironmentTemplateType, FleetConfiguration};
use futures_util::future::join_all;

use super::caller::What;
use super::client::patient;
use super::{Aws, QueueRole, QueueRoleCell};
use crate::domain::call::Vantage;
use crate::domain::fact::Fact;
use crate::domain::farm::{
    Association, CpuArchitecture, Farm, Fleet, Listed, Management, OperatingSystem, Queue,
    QueueEnvironment, TemplateText,
};
use crate::domain::ids::{FarmId, FleetKey, QueueEnvironmentId, QueueKey};
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::template::TemplateType;
use crate::domain::text::Untrusted;
use crate::domain::worker_environment::without_extension;
use crate::resources::{Change, EnvironmentTemplate, Outputs, QueueRoleLink};
use crate::world::Record;

const SERVICE: &str = "deadline";
/// How long a service may take until it knows a new role, and how often it is asked.
const NEW_ROLE: std::time::Duration = std::time::Duration::from_secs(20);
const PAUSE: std::time::Duration = std::time::Duration::from_secs(4);

fn template_type(kind: &EnvironmentTemplateType) -> TemplateType {
    if *kind == EnvironmentTemplateType::Json {
        TemplateType::Json
    } else {
        TemplateType::Yaml
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

fn service_type(kind: TemplateType) -> EnvironmentTemplateType {
    match kind {
        TemplateType::Json => EnvironmentTemplateType::Json,
        TemplateType::Yaml => EnvironmentTemplateType::Yaml,
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
        let listed = async {
            let pages = self
                .pages(
                    record,
                    || What::new(SERVICE, "ListFarms", "farms", "Could not list the farms"),
                    self.deadline.list_farms().into_paginator().send(),
                )
                .await?;
            Ok(pages
                .into_iter()
                .flat_map(|p| p.farms)
                .map(|f| Listed {
                    id: f.farm_id,
                    name: Untrusted::new(f.display_name),
                })
                .collect())
        };
        listed.await.into()
    }

    pub async fn look_queues(&self, record: &Record, farm: &FarmId) -> Fact<Vec<Listed>> {
        let listed = async {
            let pages = self
                .pages(
                    record,
                    || {
                        What::new(
                            SERVICE,
                            "ListQueues",
                            farm.as_str(),
                            format!("Could not list the queues of {farm}"),
                        )
                    },
                    self.deadline
                        .list_queues()
                        .farm_id(farm.as_str())
                        .into_paginator()
                        .send(),
                )
                .await?;
            Ok(pages
                .into_iter()
                .flat_map(|p| p.queues)
                .map(|q| Listed {
                    id: q.queue_id,
                    name: Untrusted::new(q.display_name),
                })
                .collect())
        };
        listed.await.into()
    }

    pub async fn look_farm(&self, record: &Record, farm: &FarmId) -> Fact<Farm> {
        let what = What::new(
            SERVICE,
            "GetFarm",
            farm.as_str(),
            format!("Could not read farm {farm}"),
        );
        let answer = self
            .call(
                record,
                what,
                self.deadline.get_farm().farm_id(farm.as_str()).send(),
            )
            .await;
        answer
            .map(|f| Farm {
                id: farm.clone(),
                name: Untrusted::new(f.display_name),
                key: f.kms_key_arn.filter(|k| !k.is_empty()).map(Untrusted::new),
            })
            .into()
    }

    pub async fn look_queue(&self, record: &Record, key: &QueueKey) -> Fact<Queue> {
        let what = What::new(
            SERVICE,
            "GetQueue",
            key.queue.as_str(),
            format!("Could not read queue {}", key.queue),
        );
        let answer = self
            .call(
                record,
                what,
                self.deadline
                    .get_queue()
                    .farm_id(key.farm.as_str())
                    .queue_id(key.queue.as_str())
                    .send(),
            )
            .await;
        let queue = |q: aws_sdk_deadline::operation::get_queue::GetQueueOutput| Queue {
            name: Untrusted::new(q.display_name),
            status: q.status.as_str().into(),
            blocked_reason: q.blocked_reason.map(|r| Untrusted::new(r.as_str())),
            role: q.role_arn.filter(|r| !r.is_empty()).map(Untrusted::new),
            attachments_prefix: q
                .job_attachment_settings
                .as_ref()
                .map(|s| Untrusted::new(s.root_prefix.clone())),
            attachments_bucket: q
                .job_attachment_settings
                .map(|s| Untrusted::new(s.s3_bucket_name)),
        };
        answer.map(queue).into()
    }

    pub async fn look_queue_fleets(
        &self,
        record: &Record,
        key: &QueueKey,
    ) -> Fact<Vec<Association>> {
        let doing = format!("Could not list the fleets of queue {}", key.queue);
        let listed = async {
            let request = || {
                self.deadline
                    .list_queue_fleet_associations()
                    .farm_id(key.farm.as_str())
                    .queue_id(key.queue.as_str())
            };
            let pages = self
                .pages(
                    record,
                    || {
                        What::new(
                            SERVICE,
                            "ListQueueFleetAssociations",
                            key.queue.as_str(),
                            doing.clone(),
                        )
                    },
                    request().into_paginator().send(),
                )
                .await?;
            let rows = pages.into_iter().flat_map(|p| p.queue_fleet_associations);
            let association = |row: aws_sdk_deadline::types::QueueFleetAssociationSummary| {
                Ok(Association {
                    fleet: row.fleet_id.parse().map_err(|e| wrong_id(&doing, &e))?,
                    status: row.status.as_str().into(),
                })
            };
            rows.map(association).collect()
        };
        let listed: Result<Vec<Association>, Problem> = listed.await;
        listed.into()
    }

    pub async fn look_fleet(&self, record: &Record, key: &FleetKey) -> Fact<Fleet> {
        let id = &key.fleet;
        let doing = format!("Could not read fleet {id}");
        let what = What::new(SERVICE, "GetFleet", id.as_str(), doing);
        let request = self.deadline.get_fleet().farm_id(key.farm.as_str());
        let answer = self
            .call(record, what, request.fleet_id(id.as_str()).send())
            .await;
        answer.map(fleet).into()
    }

    pub async fn look_environments(
        &self,
        record: &Record,
        key: &QueueKey,
    ) -> Fact<Vec<Fact<QueueEnvironment>>> {
        let doing = format!("Could not list the environments of queue {}", key.queue);
        let listed: Result<Vec<Fact<QueueEnvironment>>, Problem> = async {
            let request = || {
                self.deadline
                    .list_queue_environments()
                    .farm_id(key.farm.as_str())
                    .queue_id(key.queue.as_str())
            };
            let pages = self
                .pages(
                    record,
                    || {
                        What::new(
                            SERVICE,
                            "ListQueueEnvironments",
                            key.queue.as_str(),
                            doing.clone(),
                        )
                    },
                    request().into_paginator().send(),
                )
                .await?;
            let mut rows: Vec<_> = pages.into_iter().flat_map(|p| p.environments).collect();
            // They run by priority; the service lists the older first among equals, and the sort keeps that.
            rows.sort_by_key(|r| r.priority);
            let doing = &doing;
            let texts = rows.into_iter().map(|row| async move {
                let id: QueueEnvironmentId = row
                    .queue_environment_id
                    .parse()
                    .map_err(|e| wrong_id(doing, &e))?;
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
        let what = What::new(
            SERVICE,
            "GetQueueEnvironment",
            id.as_str(),
            format!("Could not read queue environment {id}"),
        );
        let request = self
            .deadline
            .get_queue_environment()
            .farm_id(key.farm.as_str())
            .queue_id(key.queue.as_str())
            .queue_environment_id(id.as_str());
        let answer = self.call(record, what, request.send()).await;
        answer
            .map(|e| QueueEnvironment {
                id: id.clone(),
                name: Untrusted::new(e.name),
                priority: e.priority,
                template: TemplateText::new(e.template, template_type(&e.template_type)),
            })
            .into()
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
        let (farm, queue_id) = (queue.farm.as_str(), queue.queue.as_str());
        let doing = format!("Could not change the {}", change.words());
        let about = id.as_ref().map_or(queue_id, QueueEnvironmentId::as_str);
        let what = What::new(SERVICE, change.operation(), about, doing.clone());
        match (&change.before, &change.after, id) {
            (None, Some(template), _) => {
                let request = self
                    .deadline
                    .create_queue_environment()
                    .farm_id(farm)
                    .queue_id(queue_id)
                    .client_token(token);
                let request = request
                    .priority(*priority)
                    .template_type(service_type(*template_type));
                let (made, mut outputs) = sent_as_taken(template, |text| {
                    let what = What::new(SERVICE, change.operation(), about, doing.clone());
                    let request = request.clone().template(text).customize();
                    let request = request.config_override(patient_config()).send();
                    self.call(record, what, request)
                })
                .await?;
                let made = made.queue_environment_id.parse();
                let made = made.map_err(|e| wrong_id(&doing, &e))?;
                outputs.extend(EnvironmentTemplate::outputs(&made));
                Ok(outputs)
            }
            (Some(_), Some(template), Some(id)) => {
                let request = self
                    .deadline
                    .update_queue_environment()
                    .farm_id(farm)
                    .queue_id(queue_id)
                    .queue_environment_id(id.as_str())
                    .client_token(token)
                    .template_type(service_type(*template_type));
                let sent = sent_as_taken(template, |text| {
                    let what = What::new(SERVICE, change.operation(), about, doing.clone());
                    let request = request.clone().template(text).customize();
                    let request = request.config_override(patient_config()).send();
                    self.call(record, what, request)
                });
                sent.await.map(|(_, outputs)| outputs)
            }
            (Some(_), None, Some(id)) => {
                let request = self
                    .deadline
                    .delete_queue_environment()
                    .farm_id(farm)
                    .queue_id(queue_id)
                    .queue_environment_id(id.as_str());
                self.call(
                    record,
                    what,
                    request.customize().config_override(patient_config()).send(),
                )
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
            let request = self
                .deadline
                .update_queue()
                .farm_id(queue.farm.as_str())
                .queue_id(queue.queue.as_str())
                .client_token(token)
                .role_arn(role);
            let sent = request.customize().config_override(patient_config()).send();
            match self.call(record, what, sent).await {
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
            let request = self
                .deadline
                .assume_queue_role_for_user()
                .farm_id(key.farm.as_str())
                .queue_id(key.queue.as_str());
            let mut out = self
                .call(record, what, request.send())
                .await
                .map_err(two_causes)?;
            let c = out.credentials.take().ok_or_else(|| {
                Problem::new(
                    ProblemKind::Invalid,
                    "Could not get the queue role's credentials",
                    "the service answered without credentials",
                    "run it again",
                )
            })?;
            let expires = c.expiration.secs();
            let credentials = aws_sdk_s3::config::Credentials::new(
                c.access_key_id,
                c.secret_access_key,
                Some(c.session_token),
                None,
                "queue role",
            );
            let config = aws_sdk_s3::config::Builder::from(&self.config)
                .credentials_provider(credentials.clone())
                .force_path_style(self.path_style)
                .build();
            let secrets = aws_sdk_secretsmanager::config::Builder::from(&self.config)
                .credentials_provider(credentials.clone())
                .build();
            Ok(QueueRole {
                s3: aws_sdk_s3::Client::from_conf(config),
                secrets: aws_sdk_secretsmanager::Client::from_conf(secrets),
                credentials,
                expires,
            })
        });
        client.await.cloned()
    }
}

/// A fleet as the service describes it. A kind that this version does not know stays unknown.
fn fleet(f: aws_sdk_deadline::operation::get_fleet::GetFleetOutput) -> Fleet {
    let mut configurations = Vec::new();
    let (management, os, cpu, attributes) = match f.configuration {
        Some(FleetConfiguration::CustomerManaged(c)) => {
            let w = c.worker_capabilities;
            (
                Management::Customer,
                w.as_ref().map(|w| w.os_family.as_str().into()),
                w.as_ref().map(|w| w.cpu_architecture_type.as_str().into()),
                w.and_then(|w| w.custom_attributes),
            )
        }
        Some(FleetConfiguration::ServiceManagedEc2(c)) => {
            let vpc = c.vpc_configuration;
            configurations = vpc
                .and_then(|v| v.resource_configuration_arns)
                .unwrap_or_default();
            let i = c.instance_capabilities;
            (
                Management::Service,
                i.as_ref().map(|i| i.os_family.as_str().into()),
                i.as_ref().map(|i| i.cpu_architecture_type.as_str().into()),
                i.and_then(|i| i.custom_attributes),
            )
        }
        _ => (Management::Unknown(Untrusted::default()), None, None, None),
    };
    let unstated = Untrusted::default;
    let attributes = attributes.unwrap_or_default().into_iter();
    let roles = attributes.filter(|a| a.name == "attr.role");
    Fleet {
        name: Untrusted::new(f.display_name),
        status: f.status.as_str().into(),
        management,
        os: os.unwrap_or_else(|| OperatingSystem::Unknown(unstated())),
        cpu: cpu.unwrap_or_else(|| CpuArchitecture::Unknown(unstated())),
        workers: f.worker_count.into(),
        max_workers: f.max_worker_count.into(),
        roles: roles.flat_map(|a| a.values).map(Untrusted::new).collect(),
        role: Some(f.role_arn)
            .filter(|r| !r.is_empty())
            .map(Untrusted::new),
        message: f
            .status_message
            .filter(|m| !m.is_empty())
            .map(Untrusted::new),
        configurations: configurations.into_iter().map(Untrusted::new).collect(),
    }
}

fn patient_config() -> aws_sdk_deadline::config::Builder {
    aws_sdk_deadline::Config::builder().timeout_config(patient())
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
