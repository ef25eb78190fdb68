//! IAM: roles with their documents as served, what the simulator says, and the changes to roles.

use std::collections::BTreeMap;

use futures_util::future::{join, join_all, join3};

use super::Aws;
use super::caller::What;
use super::iam_xml::{
    Answer, Attached, GetPolicy, GetPolicyVersion, GetRole, GetRolePolicy,
    ListAttachedRolePolicies, ListRolePolicies, Names, SimulatePrincipalPolicy, XmlEvaluation,
};
use super::signed::{Request, unreadable};
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
const VERSION: &str = "2010-05-08";
/// What IAM calls the first version of a policy.
const FIRST: &str = "v1";
/// A list that has no end is none.
const PAGES: usize = 100;

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

/// The simulator is asked of an identity and so many actions.
fn asking(arn: &str, actions: Vec<String>) -> Vec<(String, String)> {
    let mut fields = vec![
        ("PolicySourceArn".to_owned(), arn.to_owned()),
        ("MaxItems".to_owned(), "100".to_owned()),
    ];
    let each = actions.into_iter().enumerate();
    fields.extend(each.map(|(n, action)| (format!("ActionNames.member.{}", n + 1), action)));
    fields
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

fn form(operation: &str, fields: &[(&str, &str)]) -> Request {
    let mut all = vec![("Action", operation), ("Version", VERSION)];
    all.extend(fields);
    Request::form(SERVICE, &all)
}

impl Aws {
    async fn iam<A: Answer>(
        &self,
        record: &Record,
        what: What<'_>,
        fields: &[(&str, &str)],
    ) -> Result<A::Result, Problem> {
        let (request, doing) = (form(what.operation, fields), what.doing.clone());
        let body = self.read(record, what, &request).await?;
        let answer: Result<A, _> = quick_xml::de::from_str(&body.text);
        answer.map(A::result).map_err(|_| unreadable(&doing))
    }

    /// Every page of a list.
    async fn iam_pages<'w, A: Answer>(
        &self,
        record: &Record,
        what: impl Fn() -> What<'w>,
        role: &str,
        marker: impl Fn(&A::Result) -> Option<String>,
    ) -> Result<Vec<A::Result>, Problem> {
        let (mut all, mut next) = (Vec::new(), None::<String>);
        for _ in 0..PAGES {
            let mut fields = vec![("RoleName", role)];
            fields.extend(next.as_deref().map(|next| ("Marker", next)));
            let page = self.iam::<A>(record, what(), &fields).await?;
            let then = marker(&page).filter(|m| !m.is_empty());
            all.push(page);
            match then {
                Some(then) => next = Some(then),
                None => return Ok(all),
            }
        }
        Err(unreadable(&what().doing))
    }

    async fn iam_write(
        &self,
        record: &Record,
        what: What<'_>,
        fields: &[(&str, &str)],
    ) -> Result<(), Problem> {
        let request = form(what.operation, fields);
        self.write(record, what, &request).await.map(|_| ())
    }

    pub async fn look_role(&self, record: &Record, arn: &RoleArn) -> Fact<Role> {
        let name = arn.name();
        let doing = format!("Could not read role {name}");
        let what = What::new(SERVICE, "GetRole", name, doing.clone());
        let named = [("RoleName", name)];
        let role = self.iam::<GetRole>(record, what, &named);
        let (role, inline, attached) = join3(
            role,
            self.inline_policies(record, name),
            self.attached_policies(record, name),
        )
        .await;
        let boundary = role.as_ref().ok().and_then(|out| {
            let boundary = out.role.permissions_boundary.as_ref()?;
            boundary.permissions_boundary_arn.clone()
        });
        let boundary_policy = match &boundary {
            Some(policy) => self.managed_policy(record, policy).await.into(),
            None => Fact::Absent,
        };
        let read = || {
            let role = role?.role;
            if role.arn != arn.as_str() {
                // A name is unique in an account: the one that was found is another role than the queue names.
                let because = format!(
                    "the account has a role of that name, but it is {}",
                    Untrusted::new(role.arn).show()
                );
                return Err(Problem::new(
                    ProblemKind::Invalid,
                    doing.clone(),
                    because,
                    "correct the ARN: a queue's role in the console, a machine's in the studio file",
                ));
            }
            let trust = decoded(&role.assume_role_policy_document, &doing)?;
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
        let doing = format!("Could not list the policies of role {role}");
        let what = || What::new(SERVICE, "ListRolePolicies", role, doing.clone());
        let marker = |page: &Names| page.marker.clone();
        let pages = self.iam_pages::<ListRolePolicies>(record, what, role, marker);
        let pages = pages.await?.into_iter();
        let names: Vec<String> = pages.flat_map(|p| p.policy_names.member).collect();
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
        let named = [("RoleName", role), ("PolicyName", name)];
        let out = self.iam::<GetRolePolicy>(record, what, &named).await?;
        decoded(&out.policy_document, &doing).map(PolicyText::new)
    }

    async fn attached_policies(
        &self,
        record: &Record,
        role: &str,
    ) -> Result<BTreeMap<String, Fact<PolicyText>>, Problem> {
        let doing = format!("Could not list the managed policies of role {role}");
        let what = || What::new(SERVICE, "ListAttachedRolePolicies", role, doing.clone());
        let marker = |page: &Attached| page.marker.clone();
        let pages = self.iam_pages::<ListAttachedRolePolicies>(record, what, role, marker);
        let pages = pages.await?.into_iter();
        let rows = pages.flat_map(|p| p.attached_policies.member);
        let arns: Vec<String> = rows.map(|p| p.policy_arn).collect();
        let texts = join_all(arns.iter().map(|arn| self.managed_policy(record, arn))).await;
        Ok(arns
            .into_iter()
            .zip(texts.into_iter().map(Fact::from))
            .collect())
    }

    async fn managed_policy(&self, record: &Record, arn: &str) -> Result<PolicyText, Problem> {
        let doing = format!("Could not read managed policy {arn}");
        let what = What::new(SERVICE, "GetPolicy", arn, doing.clone());
        let named = [("PolicyArn", arn)];
        let default = self.iam::<GetPolicy>(record, what, &named);
        // Those of AWS's are mostly in their first version: it is read beside the question which one counts.
        let (default, first) = if arn.contains(":iam::aws:") {
            let (default, first) = join(default, self.policy_version(record, arn, FIRST)).await;
            (default, Some(first))
        } else {
            (default.await, None)
        };
        let version = default?.policy.default_version_id;
        let version = version.as_deref().unwrap_or(FIRST);
        match first {
            Some(first) if version == FIRST => first,
            _ => self.policy_version(record, arn, version).await,
        }
    }

    async fn policy_version(
        &self,
        record: &Record,
        arn: &str,
        version: &str,
    ) -> Result<PolicyText, Problem> {
        let doing = format!("Could not read managed policy {arn}");
        let what = What::new(SERVICE, "GetPolicyVersion", arn, doing.clone());
        let named = [("PolicyArn", arn), ("VersionId", version)];
        let out = self.iam::<GetPolicyVersion>(record, what, &named).await?;
        decoded(&out.policy_version.document, &doing).map(PolicyText::new)
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
            let named = [("RoleName", name)];
            let role = self.iam::<GetRole>(record, what, &named).await?.role;
            if role.arn != arn.as_str() {
                let because = format!(
                    "the account has a role of that name, but it is {}",
                    Untrusted::new(role.arn).show()
                );
                let fix = "choose another name in [iam.new_role], or that role in the console";
                return Err(Problem::new(
                    ProblemKind::Invalid,
                    doing.clone(),
                    because,
                    fix,
                ));
            }
            decoded(&role.assume_role_policy_document, &doing).map(PolicyText::new)
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
        let fields = [("RoleName", role.name()), ("PolicyDocument", document)];
        self.iam_write(record, what, &fields).await
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
        let what = What::new(SERVICE, change.operation(), role.name(), doing);
        let Some(trust) = &change.after else {
            return self
                .iam_write(record, what, &[("RoleName", role.name())])
                .await;
        };
        let mut fields = vec![
            ("RoleName", role.name()),
            ("Path", role.path()),
            ("AssumeRolePolicyDocument", trust),
            ("Description", IamRole::DESCRIPTION),
        ];
        fields.extend(boundary.as_deref().map(|b| ("PermissionsBoundary", b)));
        let names: Vec<(String, String)> = (1..=tags.len())
            .map(|n| {
                (
                    format!("Tags.member.{n}.Key"),
                    format!("Tags.member.{n}.Value"),
                )
            })
            .collect();
        for ((key, value), (key_name, value_name)) in tags.iter().zip(&names) {
            fields.extend([(key_name.as_str(), key.as_str()), (value_name, value)]);
        }
        self.iam_write(record, what, &fields).await
    }

    pub async fn change_role_policy(
        &self,
        record: &Record,
        InlinePolicy { role, policy }: &InlinePolicy,
        change: &Change,
    ) -> Result<(), Problem> {
        let doing = format!("Could not change {}", change.words());
        let what = What::new(SERVICE, change.operation(), role.name(), doing);
        let mut fields = vec![("RoleName", role.name()), ("PolicyName", policy)];
        let document = change.after.as_deref();
        fields.extend(document.map(|text| ("PolicyDocument", text)));
        self.iam_write(record, what, &fields).await
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
        let mut fields = asking(arn.as_str(), actions);
        fields.push(("ResourceArns.member.1".to_owned(), resource.to_owned()));
        for (n, (key, value)) in carried.enumerate() {
            let kind = match key.as_str() {
                "aws:securetransport" => "boolean",
                "aws:calledvia" => "stringList",
                _ => "string",
            };
            let entry = format!("ContextEntries.member.{}", n + 1);
            fields.push((format!("{entry}.ContextKeyName"), key.clone()));
            fields.push((
                format!("{entry}.ContextKeyValues.member.1"),
                value.to_owned(),
            ));
            fields.push((format!("{entry}.ContextKeyType"), kind.to_owned()));
        }
        let rows = self.simulated(record, what, &fields).await?;
        let said = |row: XmlEvaluation| SimulationResult {
            request: PermissionRequest {
                action: row.eval_action_name,
                resource: resource.to_owned(),
                context: context.clone(),
            },
            allowed: row.eval_decision == "allowed",
            explicit: row.eval_decision == "explicitDeny",
            boundary: row
                .permissions_boundary_decision_detail
                .map(|d| d.allowed_by_permissions_boundary),
            organization: row
                .organizations_decision_detail
                .map(|d| d.allowed_by_organizations),
            // Where a resource is named, the values that were missing stand with that resource.
            missing: row
                .missing_context_values
                .member
                .into_iter()
                .chain(
                    row.resource_specific_results
                        .member
                        .into_iter()
                        .flat_map(|r| r.missing_context_values.member),
                )
                .filter(|key| context.get(&key.to_ascii_lowercase()).is_none())
                .map(Untrusted::new)
                .collect(),
        };
        Ok(rows.into_iter().map(said).collect())
    }

    async fn simulated(
        &self,
        record: &Record,
        what: What<'_>,
        fields: &[(String, String)],
    ) -> Result<Vec<XmlEvaluation>, Problem> {
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        let out = self.iam::<SimulatePrincipalPolicy>(record, what, &fields);
        Ok(out.await?.evaluation_results.member)
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
                self.simulated(record, what, &asking(&arn, some)).await
            }
        };
        let (first, second) = actions.split_at(actions.len() / 2);
        let owned = |some: &[&str]| some.iter().map(|a| (*a).to_owned()).collect();
        let (a, b) = join(ask(owned(first)), ask(owned(second))).await;
        let mut rights = SimulatedPermissions::default();
        for page in [a?, b?] {
            for row in page {
                let list = if row.eval_decision == "allowed" {
                    &mut rights.allowed
                } else {
                    &mut rights.refused
                };
                list.push(row.eval_action_name);
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
            let named = [("RoleName", name)];
            let out = self.iam::<GetRole>(record, what, &named).await?;
            return Ok(out.role.arn);
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
