//! IAM: roles with their documents as served, what the simulator says, and the changes to roles.

use std::collections::BTreeMap;

use aws_sdk_iam::types::{
    ContextEntry, ContextKeyTypeEnum, OrganizationsDecisionDetail,
    PermissionsBoundaryDecisionDetail, PolicyEvaluationDecisionType, Tag,
};
use futures_util::future::{join, join_all, join3};

use super::Aws;
use super::caller::What;
use super::client::patient;
use crate::domain::caller::{Caller, SimulatedPermissions};
use crate::domain::fact::Fact;
use crate::domain::ids::RoleArn;
use crate::domain::permission::{PermissionRequest, SimulationResult};
use crate::domain::policy::Context;
use crate::domain::problem::{Problem, ProblemKind};
use crate::domain::role::{PolicyText, Role};
use crate::domain::text::Untrusted;
use crate::resources::{Change, IamRole, InlinePolicy, TrustPolicy};
use crate::world::Record;

const SERVICE: &str = "iam";

/// Documents arrive percent-encoded (RFC 3986); undo needs the text itself.
fn decoded(text: &str, doing: &str) -> Result<String, Problem> {
    let bytes = percent_encoding::percent_decode_str(text).decode_utf8();
    bytes.map(Into::into).map_err(|_| {
        Problem::new(
            ProblemKind::Invalid,
            doing,
            "the document is not UTF-8 text",
            "look at it in the IAM console",
        )
    })
}

/// A step that the service has no call for.
fn no_such_call(doing: String) -> Problem {
    Problem::new(
        ProblemKind::Local,
        doing,
        "there is no call that does this",
        "make a new plan",
    )
}

impl Aws {
    pub async fn look_role(&self, record: &Record, arn: &RoleArn) -> Fact<Role> {
        let name = arn.name();
        let doing = format!("Could not read role {name}");
        let role = self.call(
            record,
            What::new(SERVICE, "GetRole", name, doing.clone()),
            self.iam.get_role().role_name(name).send(),
        );
        let (role, inline, attached) = join3(
            role,
            self.inline_policies(record, name),
            self.attached_policies(record, name),
        )
        .await;
        let boundary = role.as_ref().ok().and_then(|out| {
            let boundary = out.role()?.permissions_boundary()?;
            boundary.permissions_boundary_arn().map(str::to_owned)
        });
        let boundary_policy = match &boundary {
            Some(policy) => self.managed_policy(record, policy).await.into(),
            None => Fact::Absent,
        };
        let read = || {
            let role = role?;
            let role = role.role().ok_or_else(|| {
                Problem::new(
                    ProblemKind::Missing,
                    doing.clone(),
                    "IAM answered without a role",
                    "look at it in the IAM console",
                )
            })?;
            if role.arn() != arn.as_str() {
                // A name is unique in an account: the one that was found is another role than the queue names.
                let because = format!(
                    "the account has a role of that name, but it is {}",
                    Untrusted::new(role.arn()).show()
                );
                return Err(Problem::new(
                    ProblemKind::Invalid,
                    doing.clone(),
                    because,
                    "correct the ARN: a queue's role in the console, a machine's in the studio file",
                ));
            }
            let trust = decoded(
                role.assume_role_policy_document().unwrap_or_default(),
                &doing,
            )?;
            let lists = inline
                .as_ref()
                .err()
                .or(attached.as_ref().err())
                .map_or(Fact::Known(()), |p| Fact::from(Err(p.clone())));
            Ok(Role {
                arn: arn.clone(),
                trust: PolicyText::new(trust),
                boundary: boundary.as_deref().map(Untrusted::new),
                boundary_policy,
                inline: inline.unwrap_or_default(),
                attached: attached.unwrap_or_default(),
                lists,
            })
        };
        let found = read();
        // IAM answers for the account that asks: of a role of another one it knows nothing.
        if found
            .as_ref()
            .is_err_and(|p| p.kind == ProblemKind::Missing)
            && let Fact::Known(caller) = self.look_caller(record).await
            && caller.account.as_str() != arn.account()
        {
            let because = format!(
                "the role is of account {}, and IAM answers this identity for account {} alone",
                arn.account(),
                caller.account
            );
            let fix = "sign in to that account to look at it";
            return Err(Problem::new(ProblemKind::Unreached, doing, because, fix)).into();
        }
        found.into()
    }

    async fn inline_policies(
        &self,
        record: &Record,
        role: &str,
    ) -> Result<BTreeMap<String, Fact<PolicyText>>, Problem> {
        let pages = self
            .pages(
                record,
                || {
                    What::new(
                        SERVICE,
                        "ListRolePolicies",
                        role,
                        format!("Could not list the policies of role {role}"),
                    )
                },
                self.iam
                    .list_role_policies()
                    .role_name(role)
                    .into_paginator()
                    .send(),
            )
            .await?;
        let names: Vec<String> = pages
            .iter()
            .flat_map(
                aws_sdk_iam::operation::list_role_policies::ListRolePoliciesOutput::policy_names,
            )
            .cloned()
            .collect();
        let texts = join_all(
            names
                .iter()
                .map(|name| self.inline_policy(record, role, name)),
        )
        .await;
        Ok(names
            .into_iter()
            .zip(texts.into_iter().map(Fact::from))
            .collect())
    }

    async fn inline_policy(
        &self,
        record: &Record,
        role: &str,
        name: &str,
    ) -> Result<PolicyText, Problem> {
        let doing = format!("Could not read policy {name} of role {role}");
        let what = What::new(SERVICE, "GetRolePolicy", name, doing.clone());
        let out = self
            .call(
                record,
                what,
                self.iam
                    .get_role_policy()
                    .role_name(role)
                    .policy_name(name)
                    .send(),
            )
            .await?;
        decoded(out.policy_document(), &doing).map(PolicyText::new)
    }

    async fn attached_policies(
        &self,
        record: &Record,
        role: &str,
    ) -> Result<BTreeMap<String, Fact<PolicyText>>, Problem> {
        let pages = self
            .pages(
                record,
                || {
                    What::new(
                        SERVICE,
                        "ListAttachedRolePolicies",
                        role,
                        format!("Could not list the managed policies of role {role}"),
                    )
                },
                self.iam
                    .list_attached_role_policies()
                    .role_name(role)
                    .into_paginator()
                    .send(),
            )
            .await?;
        let arns: Vec<String> = pages
            .iter()
            .flat_map(aws_sdk_iam::operation::list_attached_role_policies::ListAttachedRolePoliciesOutput::attached_policies)
            .filter_map(|p| p.policy_arn().map(str::to_owned))
            .collect();
        let texts = join_all(arns.iter().map(|arn| self.managed_policy(record, arn))).await;
        Ok(arns
            .into_iter()
            .zip(texts.into_iter().map(Fact::from))
            .collect())
    }

    async fn managed_policy(&self, record: &Record, arn: &str) -> Result<PolicyText, Problem> {
        let doing = format!("Could not read managed policy {arn}");
        let out = self
            .call(
                record,
                What::new(SERVICE, "GetPolicy", arn, doing.clone()),
                self.iam.get_policy().policy_arn(arn).send(),
            )
            .await?;
        let version = out
            .policy()
            .and_then(|p| p.default_version_id())
            .unwrap_or("v1")
            .to_owned();
        let what = What::new(SERVICE, "GetPolicyVersion", arn, doing.clone());
        let out = self
            .call(
                record,
                what,
                self.iam
                    .get_policy_version()
                    .policy_arn(arn)
                    .version_id(version)
                    .send(),
            )
            .await?;
        let document = out.policy_version().and_then(|v| v.document());
        decoded(document.unwrap_or_default(), &doing).map(PolicyText::new)
    }

    /// A managed policy's text: a boundary that a new role is to get.
    pub async fn look_managed_policy(&self, record: &Record, arn: &str) -> Fact<PolicyText> {
        self.managed_policy(record, arn).await.into()
    }

    pub async fn look_role_policy(
        &self,
        record: &Record,
        arn: &RoleArn,
        policy: &str,
    ) -> Fact<PolicyText> {
        self.inline_policy(record, arn.name(), policy).await.into()
    }

    pub async fn look_role_trust(&self, record: &Record, arn: &RoleArn) -> Fact<PolicyText> {
        let name = arn.name();
        let doing = format!("Could not read role {name}");
        let what = What::new(SERVICE, "GetRole", name, doing.clone());
        let read = async {
            let out = self
                .call(record, what, self.iam.get_role().role_name(name).send())
                .await?;
            let role = out.role();
            if let Some(found) = role
                .map(aws_sdk_iam::types::Role::arn)
                .filter(|found| *found != arn.as_str())
            {
                let because = format!(
                    "the account has a role of that name, but it is {}",
                    Untrusted::new(found).show()
                );
                let fix = "choose another name in [iam.new_role], or that role in the console";
                return Err(Problem::new(
                    ProblemKind::Invalid,
                    doing.clone(),
                    because,
                    fix,
                ));
            }
            let text = role.and_then(|r| r.assume_role_policy_document());
            decoded(text.unwrap_or_default(), &doing).map(PolicyText::new)
        };
        read.await.into()
    }

    pub async fn change_role_trust(
        &self,
        record: &Record,
        TrustPolicy { role }: &TrustPolicy,
        change: &Change,
    ) -> Result<(), Problem> {
        let doing = format!("Could not change {}", change.words());
        let Some(document) = &change.after else {
            return Err(no_such_call(doing));
        };
        let what = What::new(SERVICE, change.operation(), role.name(), doing);
        let request = self
            .iam
            .update_assume_role_policy()
            .role_name(role.name())
            .policy_document(document)
            .customize()
            .config_override(aws_sdk_iam::Config::builder().timeout_config(patient()));
        self.call(record, what, request.send()).await.map(|_| ())
    }

    /// Makes a role, or takes away one that a run had made.
    pub async fn change_role(
        &self,
        record: &Record,
        IamRole {
            role,
            boundary,
            tags,
        }: &IamRole,
        change: &Change,
    ) -> Result<(), Problem> {
        let doing = format!("Could not change the {}", change.words());
        let what = What::new(SERVICE, change.operation(), role.name(), doing.clone());
        let patient = || aws_sdk_iam::Config::builder().timeout_config(patient());
        let Some(trust) = &change.after else {
            let request = self.iam.delete_role().role_name(role.name()).customize();
            let sent = request.config_override(patient()).send();
            return self.call(record, what, sent).await.map(|_| ());
        };
        let tag = |(key, value): &(String, String)| {
            Tag::builder().key(key).value(value).build().map_err(|e| {
                Problem::new(
                    ProblemKind::Invalid,
                    doing.clone(),
                    e.to_string(),
                    "correct [iam.new_role] tags in the studio file",
                )
            })
        };
        let tags: Vec<Tag> = tags.iter().map(tag).collect::<Result<_, _>>()?;
        let request = self
            .iam
            .create_role()
            .role_name(role.name())
            .path(role.path())
            .assume_role_policy_document(trust)
            .description("Queue role for AWS Deadline Cloud, made by studiolink")
            .set_permissions_boundary(boundary.clone())
            .set_tags((!tags.is_empty()).then_some(tags))
            .customize()
            .config_override(patient());
        self.call(record, what, request.send()).await.map(|_| ())
    }

    pub async fn change_role_policy(
        &self,
        record: &Record,
        InlinePolicy { role, policy }: &InlinePolicy,
        change: &Change,
    ) -> Result<(), Problem> {
        let doing = format!("Could not change {}", change.words());
        let what = What::new(SERVICE, change.operation(), role.name(), doing);
        match &change.after {
            Some(document) => {
                let request = self
                    .iam
                    .put_role_policy()
                    .role_name(role.name())
                    .policy_name(policy)
                    .policy_document(document);
                self.call(
                    record,
                    what,
                    request
                        .customize()
                        .config_override(aws_sdk_iam::Config::builder().timeout_config(patient()))
                        .send(),
                )
                .await
                .map(|_| ())
            }
            None => {
                let request = self
                    .iam
                    .delete_role_policy()
                    .role_name(role.name())
                    .policy_name(policy);
                self.call(
                    record,
                    what,
                    request
                        .customize()
                        .config_override(aws_sdk_iam::Config::builder().timeout_config(patient()))
                        .send(),
                )
                .await
                .map(|_| ())
            }
        }
    }

    /// What the simulator says of a role: one call for each resource and what its requests carry, all at once.
    pub async fn look_simulation(
        &self,
        record: &Record,
        arn: &RoleArn,
        all: &[PermissionRequest],
    ) -> Fact<Vec<SimulationResult>> {
        let mut alike: BTreeMap<(&str, &Context), Vec<String>> = BTreeMap::new();
        for may in all {
            let actions = alike.entry((&may.resource, &may.context)).or_default();
            actions.push(may.action.clone());
        }
        let asked = alike.into_iter().map(|((resource, context), actions)| {
            self.simulate_role(record, arn, resource, context, actions)
        });
        let answers: Result<Vec<_>, Problem> = join_all(asked).await.into_iter().collect();
        answers
            .map(|rows| rows.into_iter().flatten().collect())
            .into()
    }

    async fn simulate_role(
        &self,
        record: &Record,
        arn: &RoleArn,
        resource: &str,
        context: &Context,
        actions: Vec<String>,
    ) -> Result<Vec<SimulationResult>, Problem> {
        let doing = format!("Could not ask IAM what role {} can do", arn.name());
        let what = What::new(SERVICE, "SimulatePrincipalPolicy", resource, doing);
        // A key that the request does not carry is left out, as it would be.
        let carried = context.iter().filter(|(_, value)| !value.is_empty());
        let entry = |(key, value): (&String, &String)| {
            ContextEntry::builder()
                .context_key_name(key)
                .context_key_values(value)
                .context_key_type(match key.as_str() {
                    "aws:securetransport" => ContextKeyTypeEnum::Boolean,
                    "aws:calledvia" => ContextKeyTypeEnum::StringList,
                    _ => ContextKeyTypeEnum::String,
                })
                .build()
        };
        let request = self
            .iam
            .simulate_principal_policy()
            .policy_source_arn(arn.as_str())
            .set_action_names(Some(actions))
            .resource_arns(resource)
            .set_context_entries(Some(carried.map(entry).collect()))
            .max_items(100);
        let out = self.call(record, what, request.send()).await?;
        let said =
            |row: &aws_sdk_iam::types::EvaluationResult| SimulationResult {
                request: PermissionRequest {
                    action: row.eval_action_name().to_owned(),
                    resource: resource.to_owned(),
                    context: context.clone(),
                },
                allowed: *row.eval_decision() == PolicyEvaluationDecisionType::Allowed,
                explicit: *row.eval_decision() == PolicyEvaluationDecisionType::ExplicitDeny,
                boundary: row
                    .permissions_boundary_decision_detail()
                    .map(PermissionsBoundaryDecisionDetail::allowed_by_permissions_boundary),
                organization: row
                    .organizations_decision_detail()
                    .map(OrganizationsDecisionDetail::allowed_by_organizations),
                // Where a resource is named, the values that were missing stand with that resource.
                missing: row
                    .missing_context_values()
                    .iter()
                    .chain(row.resource_specific_results().iter().flat_map(
                        aws_sdk_iam::types::ResourceSpecificResult::missing_context_values,
                    ))
                    .filter(|key| context.get(&key.to_ascii_lowercase()).is_none())
                    .map(Untrusted::new)
                    .collect(),
            };
        Ok(out.evaluation_results().iter().map(said).collect())
    }

    /// Simulated, never verified. An assumed role is simulated as its role, whose ARN has a path that the session's
    /// ARN does not show; root and federated callers can't be simulated.
    pub async fn look_permissions(
        &self,
        record: &Record,
        actions: &[&str],
    ) -> Fact<SimulatedPermissions> {
        let caller = match self.look_caller(record).await {
            Fact::Known(caller) => caller,
            other => return other.lack(),
        };
        self.simulate(record, &caller, actions).await.into()
    }

    async fn simulate(
        &self,
        record: &Record,
        caller: &Caller,
        actions: &[&str],
    ) -> Result<SimulatedPermissions, Problem> {
        let doing = "Could not ask IAM what this identity may do";
        let arn = self.principal(record, caller.arn.raw(), doing).await?;
        let ask = |some: Vec<String>| {
            let arn = arn.clone();
            async move {
                let what = What::new(SERVICE, "SimulatePrincipalPolicy", &arn, doing);
                let request = self
                    .iam
                    .simulate_principal_policy()
                    .policy_source_arn(&arn)
                    .set_action_names(Some(some))
                    .max_items(100);
                self.call(record, what, request.send()).await
            }
        };
        let (first, second) = actions.split_at(actions.len() / 2);
        let owned = |some: &[&str]| some.iter().map(|a| (*a).to_owned()).collect();
        let (a, b) = join(ask(owned(first)), ask(owned(second))).await;
        let mut rights = SimulatedPermissions::default();
        for page in [a?, b?] {
            for row in page.evaluation_results() {
                let list = if row.eval_decision().as_str() == "allowed" {
                    &mut rights.allowed
                } else {
                    &mut rights.refused
                };
                list.push(row.eval_action_name().to_owned());
            }
        }
        Ok(rights)
    }

    async fn principal(&self, record: &Record, arn: &str, doing: &str) -> Result<String, Problem> {
        let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
        if resource.starts_with("user/") && arn.contains(":iam:") {
            return Ok(arn.to_owned());
        }
        if let Some(session) = resource.strip_prefix("assumed-role/") {
            let name = session.split('/').next().unwrap_or_default();
            let what = What::new(SERVICE, "GetRole", name, doing);
            let out = self
                .call(record, what, self.iam.get_role().role_name(name).send())
                .await?;
            return out.role().map(|r| r.arn().to_owned()).ok_or_else(|| {
                Problem::new(
                    ProblemKind::Missing,
                    doing,
                    "IAM does not name the caller's role",
                    "nothing to do: each call will show it",
                )
            });
        }
        let because = format!(
            "IAM can't simulate this kind of identity ({})",
            Untrusted::new(resource).show()
        );
        Err(Problem::new(
            ProblemKind::Unreached,
            doing,
            because,
            "nothing to do: each call will show it",
        ))
    }
}
