//! The smallest policy with which a person may run a command: what it calls, on this farm and this role.

use serde_json::{Value, json};

use super::ids::{Region, RoleArn, partition_of};
use super::trust::PRINCIPALS;

/// What a policy is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    Setup,
    Audit,
    /// Sending a probe, watching it, and explaining a job.
    Probe,
}

/// What an audit reads of Deadline Cloud on a farm and what lies below it.
const READS: &[&str] = &[
    "deadline:GetFarm",
    "deadline:GetQueue",
    "deadline:ListQueueEnvironments",
    "deadline:GetQueueEnvironment",
    "deadline:ListQueueFleetAssociations",
    "deadline:GetFleet",
    "deadline:GetStorageProfile",
    "deadline:ListWorkers",
    "deadline:SearchJobs",
    "deadline:ListSessions",
    "deadline:GetSession",
];
/// A probe is sent, read and cancelled; a job that failed is read too.
pub const JOBS: &[&str] = &[
    "deadline:CreateJob",
    "deadline:TagResource",
    "deadline:UpdateJob",
    "deadline:GetJob",
    "deadline:ListSessionActions",
    "deadline:GetSessionAction",
    "deadline:ListSteps",
    "deadline:GetStep",
];
/// The logs of probes, and of workers that do not come up.
const LOG_READS: &[&str] = &["logs:GetLogEvents"];
/// What can't be narrowed to one farm.
const LISTS: &[&str] = &["deadline:ListFarms", "deadline:ListQueues"];
const ROLE_READS: &[&str] = &[
    "iam:GetRole",
    "iam:ListRolePolicies",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:SimulatePrincipalPolicy",
];
const POLICY_READS: &[&str] = &["iam:GetPolicy", "iam:GetPolicyVersion"];
const WRITES: &[&str] = &[
    "deadline:CreateQueueEnvironment",
    "deadline:UpdateQueueEnvironment",
    "deadline:DeleteQueueEnvironment",
];
const ROLE_WRITES: &[&str] = &[
    "iam:PutRolePolicy",
    "iam:DeleteRolePolicy",
    "iam:UpdateAssumeRolePolicy",
];

/// What makes a role for a queue that has none.
const ROLE_MAKES: &[&str] = &["iam:CreateRole", "iam:TagRole", "iam:DeleteRole"];

const SECRET_READS: &[&str] = &["secretsmanager:DescribeSecret"];
const SECRET_WRITES: &[&str] = &[
    "secretsmanager:CreateSecret",
    "secretsmanager:TagResource",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
    "secretsmanager:DeleteSecret",
];

/// What the policy is about.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    pub region: &'a Region,
    pub farms: &'a [String],
    /// Without any, every role is named.
    pub roles: &'a [RoleArn],
    pub buckets: &'a [String],
    /// The queue has no role yet, and setup is to make one of that path and name, which may hold a `*`.
    pub new_role: Option<&'a str>,
    /// What the checks of the chosen connection paths call; the services name few resources for these.
    pub path_reads: &'a [&'a str],
    /// What sets these paths up.
    pub path_writes: &'a [&'a str],
    /// The resource that stands for the workers' secret.
    pub secret: Option<&'a str>,
}

/// As IAM takes it.
pub fn policy(what: For, scope: &Scope) -> Value {
    let Scope {
        region,
        farms,
        roles,
        buckets,
        new_role,
        path_reads,
        path_writes,
        secret,
    } = *scope;
    let partition = partition_of(region);
    let account = roles.first().map_or("*", RoleArn::account);
    let mut farms: Vec<String> = farms
        .iter()
        .map(|farm| format!("arn:{partition}:deadline:{region}:{account}:farm/{farm}"))
        .collect();
    farms.dedup();
    let logs: Vec<String> = farms
        .iter()
        .filter_map(|arn| arn.rsplit_once('/'))
        .map(|(_, farm)| {
            format!("arn:{partition}:logs:{region}:{account}:log-group:/aws/deadline/{farm}/*")
        })
        .collect();
    let below: Vec<String> = farms
        .iter()
        .flat_map(|f| [f.clone(), format!("{f}/*")])
        .collect();
    let roles: Vec<String> = if roles.is_empty() {
        vec![format!("arn:{partition}:iam::*:role/*")]
    } else {
        roles.iter().map(ToString::to_string).collect()
    };
    let with = |base: &[&'static str], more: &[&'static str], on: bool| -> Vec<&'static str> {
        let more = if on { more } else { &[] };
        base.iter().chain(more).copied().collect()
    };
    let changes = what == For::Setup;
    let as_role = what == For::Setup;
    let mut farm_actions = with(READS, WRITES, changes);
    if changes && new_role.is_some() {
        farm_actions.push("deadline:UpdateQueue");
    }
    // What is of Deadline Cloud is narrowed to the farm.
    let of_farm = |a: &&&str| a.starts_with("deadline:");
    if changes {
        farm_actions.extend(path_writes.iter().filter(of_farm));
    }
    let path_writes: Vec<&str> = path_writes
        .iter()
        .filter(|a| !of_farm(a))
        .copied()
        .collect();
    // The wizard asks workers too.
    if what != For::Audit {
        farm_actions.extend(JOBS);
    }
    if as_role {
        farm_actions.push("deadline:AssumeQueueRoleForUser");
    }
    let analyzer = [
        "access-analyzer:ValidatePolicy",
        "access-analyzer:CheckAccessNotGranted",
    ];
    let mut statements = vec![
        statement("FarmAndBelow", &farm_actions, &below),
        statement("LogsOfTheFarm", LOG_READS, &logs),
        statement(
            "RoleOfTheQueue",
            // Where a role is to be made, only that one is written.
            &with(ROLE_READS, ROLE_WRITES, changes && new_role.is_none()),
            &roles,
        ),
        statement(
            "ManagedPolicies",
            POLICY_READS,
            &[format!("arn:{partition}:iam::*:policy/*")],
        ),
    ];
    if changes {
        // Charged for, so that an audit asks it nothing.
        statements.push(statement(
            "PoliciesReadBeforehand",
            &analyzer,
            &["*".to_owned()],
        ));
        if let Some(role) = new_role {
            let role = [format!("arn:{partition}:iam::{account}:role{role}")];
            let makes = [ROLE_MAKES, ROLE_WRITES].concat();
            statements.push(statement("RoleForAQueueWithout", &makes, &role));
            let mut pass = statement("RoleForDeadlineCloudAlone", &["iam:PassRole"], &role);
            pass["Condition"] = json!({ "StringEquals": { "iam:PassedToService": PRINCIPALS } });
            statements.push(pass);
        }
        // The wizard lists what can be picked, and asks IAM beforehand what this identity may do.
        let lists = with(LISTS, &["iam:SimulatePrincipalPolicy"], true);
        statements.push(statement("ToPickFrom", &lists, &["*".to_owned()]));
    }
    if !path_reads.is_empty() {
        let all = ["*".to_owned()];
        statements.push(statement("ConnectionPaths", path_reads, &all));
    }
    if changes && !path_writes.is_empty() {
        let all = ["*".to_owned()];
        statements.push(statement("ConnectionPathsAreMade", &path_writes, &all));
    }
    if let Some(secret) = secret {
        let actions = with(SECRET_READS, SECRET_WRITES, changes);
        statements.push(statement("WorkersSecret", &actions, &[secret.to_owned()]));
    }
    if !buckets.is_empty() {
        let objects: Vec<String> = buckets
            .iter()
            .flat_map(|b| {
                [
                    format!("arn:{partition}:s3:::{b}"),
                    format!("arn:{partition}:s3:::{b}/*"),
                ]
            })
            .collect();
        statements.push(statement(
            "ChannelsAsYou",
            &["s3:ListBucket", "s3:GetObject"],
            &objects,
        ));
    }
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn statement(sid: &str, actions: &[&str], resources: &[String]) -> Value {
    json!({ "Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::caller::{NEW_ROLE_ACTIONS, SETUP_ACTIONS};
    use crate::domain::policy::Policy;

    fn actions(what: For, new_role: Option<&str>) -> Vec<String> {
        let farm = "farm-00000000000000000000000000000001".to_owned();
        let role = "arn:aws:iam::111122223333:role/Q".parse().unwrap();
        let region: Region = "us-west-2".parse().unwrap();
        let scope = Scope {
            region: &region,
            farms: &[farm],
            roles: &[role],
            buckets: &["b-1".to_owned()],
            new_role,
            path_reads: &["ssm:GetDocument"],
            path_writes: &["deadline:UpdateFleet"],
            secret: Some("arn:aws:secretsmanager:us-west-2:111122223333:secret:ayon/key-??????"),
        };
        let document = policy(what, &scope);
        let text = document.to_string();
        assert!(
            Policy::parse(&text).is_ok() && text.len() < 6_144,
            "fits a managed policy"
        );
        let all = document["Statement"].as_array().unwrap();
        all.iter()
            .flat_map(|s| s["Action"].as_array().unwrap())
            .map(|a| a.as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn a_probe_gets_its_jobs_and_writes_nothing_else() {
        let actions = actions(For::Probe, None);
        assert!(JOBS.iter().all(|job| actions.iter().any(|a| a == job)));
        let writes = [WRITES, ROLE_WRITES, ROLE_MAKES, SECRET_WRITES].concat();
        assert!(!actions.iter().any(|a| writes.contains(&a.as_str())));
    }

    #[test]
    fn setup_gets_every_call_that_it_makes() {
        let actions = actions(For::Setup, Some("/studio/*"));
        for action in SETUP_ACTIONS {
            assert!(actions.iter().any(|a| a == action), "{action}");
        }
        for action in NEW_ROLE_ACTIONS {
            assert!(actions.iter().any(|a| a == action), "{action}");
        }
    }
}
