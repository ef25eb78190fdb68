//! The role of the studio's own machines: who may take it, and whether it may make a worker (field facts B1).

use super::queue_role::{asks_for, needs_of, roles_for};
use super::queue_role_channels::{Words, judged, told};
use super::{Ask, Check, Finding, Source, Topic, Verdict, View, says, unseen};
use crate::domain::choices::RoleUse;
use crate::domain::fact::Fact;
use crate::domain::policy::Policy;
use crate::domain::studio::{Management, Role};
use crate::domain::trust::{HostTrust, judge_host};

pub struct WorkerHostRole;

impl WorkerHostRole {
    fn trust(&self, role: &Role) -> Finding {
        let name = role.arn.name();
        let policy = match Policy::parse(&role.trust) {
            Ok(policy) => policy,
            Err(e) => {
                return says(
                    self,
                    Verdict::Fail,
                    format!("The trust policy of {name} can't be read: {e}"),
                )
                .fix("write the trust policy again in the IAM console");
            }
        };
        let anywhere = "let rolesanywhere.amazonaws.com do sts:AssumeRole, sts:TagSession and sts:SetSourceIdentity, with aws:SourceArn of your trust anchor";
        match judge_host(&policy) {
            HostTrust::Ec2 => says(self, Verdict::Ok, format!("{name} trusts machines in EC2 (read from the document)")),
            HostTrust::Anywhere => says(self, Verdict::Ok, format!("{name} trusts IAM Roles Anywhere (read from the document); which certificates, its trust anchor says")),
            HostTrust::Both => says(self, Verdict::Ok, format!("{name} trusts machines in EC2 and IAM Roles Anywhere (read from the document)")),
            HostTrust::HalfAnywhere => says(self, Verdict::Fail, format!("{name} lets IAM Roles Anywhere assume it, and not tag the session or set its source identity"))
                .why("Roles Anywhere does all three in one call, so it is refused")
                .fix(anywhere),
            HostTrust::Depends => says(self, Verdict::Unknown, format!("Whether {name} trusts machines in EC2 hangs on a condition that can't be judged from here")),
            HostTrust::Neither => says(self, Verdict::Fail, format!("{name} trusts neither EC2 nor IAM Roles Anywhere"))
                .why("a machine that can't take the role never becomes a worker")
                .fix(format!("for machines in EC2 let ec2.amazonaws.com do sts:AssumeRole; for others {anywhere}; which of the two is yours, setup can't know")),
        }
    }
}

impl Check for WorkerHostRole {
    fn id(&self) -> &'static str {
        "worker-host-role"
    }
    fn title(&self) -> &'static str {
        "The role of the studio's own machines lets them become workers"
    }
    fn why(&self) -> &'static str {
        "a machine of a customer-managed fleet makes itself a worker with this role; it is used at its start only"
    }
    fn topic(&self) -> Topic {
        Topic::Roles
    }

    fn asks(&self, view: &View) -> Vec<Ask> {
        asks_for(view, RoleUse::WorkerHost)
    }

    fn check(&self, view: &View) -> Vec<Finding> {
        let mut findings = Vec::new();
        for used in roles_for(view, RoleUse::WorkerHost) {
            let ask = Ask::Role(used.arn.clone());
            let name = used.arn.name();
            match view.studio.role(&used.arn) {
                Fact::Known(role) => {
                    findings.push(self.trust(role).from(Source::Fact(ask.clone())));
                    let words = Words {
                        lack: Verdict::Fail,
                        why: self.why(),
                        fix: "attach AWS's managed policy AWSDeadlineCloud-WorkerHost to it"
                            .to_owned(),
                        ok: format!(
                            "{name} may make a worker and take its fleet's role (read from its documents)"
                        ),
                    };
                    // One need pair for each fleet that such a machine could join; it joins one.
                    let needs = needs_of(view, &used);
                    let of_fleets: Vec<_> =
                        needs.chunks(2).map(|pair| judged(role, pair)).collect();
                    let right = of_fleets
                        .iter()
                        .position(super::queue_role_channels::Judged::is_right);
                    if let Some(judged) = of_fleets.get(right.unwrap_or(0)) {
                        findings.push(told(self, role, judged, &words).from(Source::Fact(ask)));
                    }
                }
                Fact::Absent => findings.push(
                    says(
                        self,
                        Verdict::Fail,
                        format!(
                            "The role {} of [roles] worker_hosts does not exist",
                            used.arn
                        ),
                    )
                    .why("IAM answered that there is no such role")
                    .fix("correct worker_hosts in the studio file, or make the role again")
                    .from(Source::Fact(ask)),
                ),
                fact => findings.push(unseen(
                    self,
                    &format!("role {name} of the studio's machines"),
                    fact,
                    ask,
                )),
            }
        }
        let fleets = view
            .wanted
            .queues
            .iter()
            .filter_map(|q| view.studio.fleets(q).known());
        let own = fleets
            .flatten()
            .filter_map(|f| f.fleet.known())
            .any(|f| f.management == Management::Customer);
        if own && view.wanted.roles.worker_hosts.is_empty() {
            let finding = says(self, Verdict::Skipped, "The role of the studio's own machines was not looked at")
                .why("there is a customer-managed fleet, and no call of AWS tells which role its machines start with")
                .fix("name it in the studio file: [roles] worker_hosts = [\"arn:aws:iam::…:role/…\"]");
            findings.push(finding);
        }
        findings
    }
}
