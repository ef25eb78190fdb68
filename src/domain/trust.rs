//! Whom a role trusts, repaired by merging: what stands there stays, statement by statement (field facts B1).

use serde_json::{Value, json};

use super::choices::RoleUse;
use super::policy::{Context, Decision, NotAPolicy, Policy, Statement, trusts, wild};

/// Workers get their credentials through the first, the service itself acts through the second.
pub const PRINCIPALS: [&str; 2] = [
    "credentials.deadline.amazonaws.com",
    "deadline.amazonaws.com",
];

/// Whom AWS's guide lists: both for a queue role, the workers' alone for a fleet's.
pub fn principals(of: RoleUse) -> &'static [&'static str] {
    match of {
        RoleUse::Queue => &PRINCIPALS,
        RoleUse::Fleet | RoleUse::WorkerHost => &PRINCIPALS[..1],
    }
}

/// Who may be a worker host: a machine in EC2, or one with a certificate that IAM Roles Anywhere trusts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostTrust {
    Ec2,
    Anywhere,
    Both,
    /// Roles Anywhere may assume the role, but not tag the session or say whose it is, which it always does.
    HalfAnywhere,
    Neither,
    Depends,
}

pub fn judge_host(policy: &Policy) -> HostTrust {
    let nothing = Context::new();
    let of = |service: &str, action: &str| trusts(policy, service, action, &nothing);
    let ec2 = ["ec2.amazonaws.com", "ec2.amazonaws.com.cn"]
        .map(|s| of(s, "sts:AssumeRole"))
        .contains(&Decision::Allowed);
    let actions = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"];
    // Which trust anchor a condition names can't be judged from here; that it names one is right.
    let anywhere = actions.map(|a| {
        matches!(
            of("rolesanywhere.amazonaws.com", a),
            Decision::Allowed | Decision::Depends
        )
    });
    let hangs = of("ec2.amazonaws.com", "sts:AssumeRole") == Decision::Depends;
    let anywhere = anywhere.map(|a| a && !hangs);
    match (ec2, anywhere) {
        (true, [true, true, true]) => HostTrust::Both,
        (true, _) => HostTrust::Ec2,
        (false, [true, true, true]) => HostTrust::Anywhere,
        (false, [true, ..]) => HostTrust::HalfAnywhere,
        (false, _) if hangs => HostTrust::Depends,
        (false, _) => HostTrust::Neither,
    }
}

/// An Allow for every principal, without a condition.
fn is_for_anybody(statement: &Statement) -> bool {
    let everybody = statement.principals.as_ref().is_some_and(|p| {
        let named = |(kind, values): &(String, Vec<String>)| {
            kind != "Service" && kind != "Federated" && values.iter().any(|v| v == "*")
        };
        !p.not && p.named.iter().any(named)
    });
    let assumes = statement.actions.takes("sts:AssumeRole", false);
    statement.allow && everybody && assumes && statement.conditions.is_empty()
}

/// What a trust policy says of Deadline Cloud, for one farm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    Right,
    /// Anybody with an AWS account may assume the role.
    Anybody,
    /// Nothing keeps another account's or farm's Deadline Cloud from using the role.
    TooWide,
    /// Only workers are trusted; AWS's guide lists both principals.
    OnlyWorkers,
    Refused,
    /// A Deny says no, whatever else says yes.
    Denied,
    /// It depends on a condition that can't be judged from here.
    Depends,
}

fn context(farm: &str, account: &str) -> Context {
    Context::from([
        ("aws:sourcearn".to_owned(), farm.to_owned()),
        ("aws:sourceaccount".to_owned(), account.to_owned()),
    ])
}

/// Another account's farm, which nobody means to trust.
fn stranger() -> Context {
    context(
        "arn:aws:deadline:eu-west-1:000000000000:farm/farm-00000000000000000000000000000000",
        "000000000000",
    )
}

pub fn judge(policy: &Policy, role: RoleUse, farm: &str, account: &str) -> Trust {
    let of = |principal, context: &Context| trusts(policy, principal, "sts:AssumeRole", context);
    let here = context(farm, account);
    let service = match role {
        RoleUse::Queue => of(PRINCIPALS[1], &here),
        RoleUse::Fleet | RoleUse::WorkerHost => Decision::Allowed,
    };
    if policy.statements.iter().any(is_for_anybody) {
        return Trust::Anybody;
    }
    let strange = stranger();
    let too_wide = principals(role)
        .iter()
        .any(|p| of(p, &strange) == Decision::Allowed);
    match (of(PRINCIPALS[0], &here), service) {
        (Decision::Denied, _) => Trust::Denied,
        (Decision::NotAllowed, _) => Trust::Refused,
        (Decision::Depends, _) => Trust::Depends,
        (Decision::Allowed, _) if too_wide => Trust::TooWide,
        (Decision::Allowed, Decision::Allowed) => Trust::Right,
        (Decision::Allowed, _) => Trust::OnlyWorkers,
    }
}

/// Why a trust policy is not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRepaired {
    #[error("{0}")]
    Policy(#[from] NotAPolicy),
    #[error(
        "a Deny statement in it refuses Deadline Cloud; it was written on purpose: ask its author"
    )]
    Denied,
    #[error(
        "the statement that trusts Deadline Cloud also trusts others, and a condition would shut them out"
    )]
    Shared,
    #[error(
        "a statement in it lets everybody assume the role; take it out, or give it a condition, in the IAM console"
    )]
    Anybody,
    #[error("it depends on a condition that can't be evaluated from here")]
    Depends,
}

/// The document with what is missing, for this farm; `None`: nothing is missing. A farm that is already trusted stays:
/// another studio's queue may use the role.
pub fn repaired(
    text: &str,
    of: RoleUse,
    farm: &str,
    account: &str,
) -> Result<Option<String>, NotRepaired> {
    let verdict = judge(&Policy::parse(text)?, of, farm, account);
    match verdict {
        Trust::Right => return Ok(None),
        Trust::Denied => return Err(NotRepaired::Denied),
        Trust::Anybody => return Err(NotRepaired::Anybody),
        Trust::Depends => return Err(NotRepaired::Depends),
        Trust::TooWide | Trust::OnlyWorkers | Trust::Refused => {}
    }
    let mut document: Value = serde_json::from_str(text).map_err(|e| NotAPolicy(e.to_string()))?;
    let mut statements = match document.get("Statement") {
        Some(Value::Array(list)) => list.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    let ours: Vec<usize> = (0..statements.len())
        .filter(|i| is_ours(&statements[*i]))
        .collect();
    // Every statement that is too wide is narrowed; what is missing joins the first.
    let count = if verdict == Trust::TooWide {
        ours.len()
    } else {
        1
    };
    if ours.is_empty() {
        statements.push(fresh(of, farm, account));
    }
    for at in ours.into_iter().take(count) {
        // Only what Deadline Cloud may do is narrowed, never what others may.
        if !names_others(&statements[at]) {
            merge(&mut statements[at], of, farm, account);
        } else if verdict == Trust::TooWide {
            return Err(NotRepaired::Shared);
        } else {
            statements.push(fresh(of, farm, account));
        }
    }
    document["Statement"] = Value::Array(statements);
    let now = serde_json::to_string_pretty(&document).unwrap_or_default();
    // The proof, by the same reading that found the lack.
    if judge(&Policy::parse(&now)?, of, farm, account) != Trust::Right {
        return Err(NotRepaired::Depends);
    }
    Ok(Some(now))
}

/// The trust policy of a role that is made here.
pub fn whole(of: RoleUse, farm: &str, account: &str) -> String {
    let document = json!({ "Version": "2012-10-17", "Statement": [fresh(of, farm, account)] });
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

fn fresh(of: RoleUse, farm: &str, account: &str) -> Value {
    let (sid, service) = match of {
        RoleUse::Queue => ("StudiolinkQueueTrust", json!(PRINCIPALS)),
        RoleUse::Fleet | RoleUse::WorkerHost => ("StudiolinkFleetTrust", json!(PRINCIPALS[0])),
    };
    json!({
        "Sid": sid,
        "Effect": "Allow",
        "Principal": { "Service": service },
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": { "aws:SourceAccount": account },
            "ArnEquals": { "aws:SourceArn": farm },
        },
    })
}

fn list(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(list)) => list
            .iter()
            .filter_map(|v| v.as_str().map(str::to_owned))
            .collect(),
        Some(Value::String(one)) => vec![one.clone()],
        _ => Vec::new(),
    }
}

/// An Allow of sts:AssumeRole, by whichever wildcard, that names one of Deadline Cloud's principals.
fn is_ours(statement: &Value) -> bool {
    let services = list(statement.pointer("/Principal/Service"));
    let assumes = list(statement.get("Action"))
        .iter()
        .any(|a| wild(&a.to_ascii_lowercase(), "sts:assumerole"));
    statement["Effect"] == "Allow"
        && assumes
        && services.iter().any(|s| PRINCIPALS.contains(&s.as_str()))
}

fn names_others(statement: &Value) -> bool {
    let Some(kinds) = statement["Principal"].as_object() else {
        return true;
    };
    let services = list(kinds.get("Service"));
    kinds.keys().any(|k| k != "Service")
        || services.iter().any(|s| !PRINCIPALS.contains(&s.as_str()))
}

/// A list with one more, in the form that it had: one text stays a text where nothing joins it.
fn joined(value: Option<&Value>, more: &[&str]) -> Value {
    let mut all = list(value);
    for one in more {
        if !all.iter().any(|a| a == one) {
            all.push((*one).to_owned());
        }
    }
    match all.as_slice() {
        [one] if !value.is_some_and(Value::is_array) => Value::String(one.clone()),
        _ => json!(all),
    }
}

fn merge(statement: &mut Value, of: RoleUse, farm: &str, account: &str) {
    let services = joined(statement.pointer("/Principal/Service"), principals(of));
    statement["Principal"]["Service"] = services;
    if !statement["Condition"].is_object() {
        statement["Condition"] = json!({});
    }
    for (key, operators, usual, value) in [
        (
            "aws:SourceAccount",
            &["StringEquals", "StringLike"][..],
            "StringEquals",
            account,
        ),
        (
            "aws:SourceArn",
            &["ArnEquals", "ArnLike", "StringEquals", "StringLike"][..],
            "ArnEquals",
            farm,
        ),
    ] {
        let Some(conditions) = statement["Condition"].as_object_mut() else {
            return;
        };
        // Where the key stands already, under whichever operator and in whichever letters, it gains a value.
        let place = operators.iter().find_map(|operator| {
            let keys = conditions.get(*operator)?.as_object()?;
            let name = keys.keys().find(|k| k.eq_ignore_ascii_case(key))?;
            Some(((*operator).to_owned(), name.clone()))
        });
        let (operator, name) = place.unwrap_or((usual.to_owned(), key.to_owned()));
        let keys = conditions.entry(operator).or_insert_with(|| json!({}));
        let merged = joined(keys.get(&name), &[value]);
        keys[&name] = merged;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FARM: &str =
        "arn:aws:deadline:us-west-2:111122223333:farm/farm-00000000000000000000000000000001";
    const DEAD: &str =
        "arn:aws:deadline:us-west-2:111122223333:farm/farm-0000000000000000000000000000dead";
    const ACCOUNT: &str = "111122223333";

    fn mend(text: &str) -> Result<Option<String>, NotRepaired> {
        repaired(text, RoleUse::Queue, FARM, ACCOUNT)
    }

    fn right(text: &str) -> Value {
        let after = mend(text).unwrap().unwrap();
        assert_eq!(
            judge(
                &Policy::parse(&after).unwrap(),
                RoleUse::Queue,
                FARM,
                ACCOUNT
            ),
            Trust::Right,
            "{after}"
        );
        assert_eq!(mend(&after), Ok(None), "once is enough");
        serde_json::from_str(&after).unwrap()
    }

    fn statement(principal: &str, condition: &str) -> String {
        format!(
            r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"{condition}}}"#
        )
    }

    fn document(statements: &[String]) -> String {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{}]}}"#,
            statements.join(",")
        )
    }

    const BOTH: &str =
        r#"{"Service":["credentials.deadline.amazonaws.com","deadline.amazonaws.com"]}"#;

    fn condition(farm: &str) -> String {
        format!(
            r#","Condition":{{"StringEquals":{{"aws:SourceAccount":"{ACCOUNT}"}},"ArnEquals":{{"aws:SourceArn":"{farm}"}}}}"#
        )
    }

    #[test]
    fn what_is_right_stays_as_it_is() {
        assert_eq!(
            mend(&document(&[statement(BOTH, &condition(FARM))])),
            Ok(None)
        );
    }

    #[test]
    fn a_recreated_farm_joins_the_old_one() {
        let after = right(&document(&[statement(BOTH, &condition(DEAD))]));
        assert_eq!(
            after["Statement"][0]["Condition"]["ArnEquals"]["aws:SourceArn"],
            json!([DEAD, FARM])
        );
    }

    #[test]
    fn a_missing_principal_and_a_trust_without_conditions() {
        let one = r#"{"Service":"credentials.deadline.amazonaws.com"}"#;
        let after = right(&document(&[statement(one, &condition(FARM))]));
        assert_eq!(
            after["Statement"][0]["Principal"]["Service"],
            json!(PRINCIPALS)
        );
        let open = document(&[statement(BOTH, "")]);
        assert_eq!(
            judge(
                &Policy::parse(&open).unwrap(),
                RoleUse::Queue,
                FARM,
                ACCOUNT
            ),
            Trust::TooWide
        );
        let after = right(&open);
        assert_eq!(after["Statement"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn a_fleets_role_trusts_the_workers_and_no_more() {
        let fleet = |t: &str| repaired(t, RoleUse::Fleet, FARM, ACCOUNT);
        let one = r#"{"Service":"credentials.deadline.amazonaws.com"}"#;
        assert_eq!(
            fleet(&document(&[statement(one, &condition(FARM))])),
            Ok(None)
        );
        let open = document(&[statement(one, "")]);
        let after: Value = serde_json::from_str(&fleet(&open).unwrap().unwrap()).unwrap();
        let principal = &after["Statement"][0]["Principal"]["Service"];
        assert_eq!(principal, PRINCIPALS[0], "no second principal joins");
        let made = Policy::parse(&whole(RoleUse::Queue, FARM, ACCOUNT)).unwrap();
        assert_eq!(judge(&made, RoleUse::Queue, FARM, ACCOUNT), Trust::Right);
    }

    #[test]
    fn a_worker_host_is_a_machine_in_ec2_or_has_a_certificate() {
        let host = |s: &[String]| judge_host(&Policy::parse(&document(s)).unwrap());
        let ec2 = statement(r#"{"Service":"ec2.amazonaws.com"}"#, "");
        let anchor = r#","Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:rolesanywhere:us-west-2:111122223333:trust-anchor/0a"}}"#;
        let half = statement(r#"{"Service":"rolesanywhere.amazonaws.com"}"#, anchor);
        let whole = half.replace(
            r#""sts:AssumeRole""#,
            r#"["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]"#,
        );
        assert_eq!(host(std::slice::from_ref(&ec2)), HostTrust::Ec2);
        assert_eq!(host(&[half]), HostTrust::HalfAnywhere);
        assert_eq!(host(std::slice::from_ref(&whole)), HostTrust::Anywhere);
        assert_eq!(host(&[ec2, whole]), HostTrust::Both);
        assert_eq!(host(&[statement(BOTH, "")]), HostTrust::Neither);
    }

    #[test]
    fn each_statement_that_is_too_wide_is_narrowed() {
        let one = |p: &str| statement(&format!(r#"{{"Service":"{p}"}}"#), "");
        let after = right(&document(&[one(PRINCIPALS[0]), one(PRINCIPALS[1])]));
        for at in 0..2 {
            let farm = &after["Statement"][at]["Condition"]["ArnEquals"]["aws:SourceArn"];
            assert_eq!(farm, FARM);
        }
        let half = document(&[
            statement(
                r#"{"Service":"credentials.deadline.amazonaws.com"}"#,
                &condition(FARM),
            ),
            one(PRINCIPALS[1]),
        ]);
        let wide = judge(
            &Policy::parse(&half).unwrap(),
            RoleUse::Queue,
            FARM,
            ACCOUNT,
        );
        assert_eq!(
            wide,
            Trust::TooWide,
            "the second principal is open to every account"
        );
    }

    #[test]
    fn a_deny_that_may_be_is_not_a_trust_that_may_be() {
        let ec2 = statement(r#"{"Service":"ec2.amazonaws.com"}"#, "");
        let deny = statement(
            r#"{"AWS":"*"}"#,
            r#","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-1"}}"#,
        )
        .replace("Allow", "Deny");
        let host = judge_host(&Policy::parse(&document(&[ec2, deny])).unwrap());
        assert_eq!(host, HostTrust::Depends, "nobody named IAM Roles Anywhere");
    }

    #[test]
    fn other_statements_stay_in_their_order() {
        let ec2 = statement(r#"{"Service":"ec2.amazonaws.com"}"#, "");
        let admin = statement(
            r#"{"AWS":"arn:aws:iam::111122223333:root"}"#,
            r#","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#,
        );
        let text = document(&[ec2, statement(BOTH, &condition(DEAD)), admin]);
        let before: Value = serde_json::from_str(&text).unwrap();
        let after = right(&text);
        for at in [0, 2] {
            assert_eq!(before["Statement"][at], after["Statement"][at]);
        }
        let none = document(&[statement(r#"{"Service":"ec2.amazonaws.com"}"#, "")]);
        assert_eq!(right(&none)["Statement"][1]["Sid"], "StudiolinkQueueTrust");
    }

    #[test]
    fn others_in_the_same_statement_are_not_shut_out() {
        let shared = r#"{"Service":["credentials.deadline.amazonaws.com","ec2.amazonaws.com"]}"#;
        assert_eq!(
            mend(&document(&[statement(shared, "")])),
            Err(NotRepaired::Shared)
        );
        let refused = document(&[statement(shared, &condition(DEAD))]);
        let after = right(&refused);
        assert_eq!(after["Statement"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn a_deny_and_what_is_no_policy_are_refused() {
        let deny = statement(BOTH, "").replace("Allow", "Deny");
        assert_eq!(
            mend(&document(&[statement(BOTH, &condition(FARM)), deny])),
            Err(NotRepaired::Denied)
        );
        let all = document(&[
            statement(BOTH, &condition(FARM)),
            statement(r#"{"AWS":"*"}"#, ""),
        ]);
        assert_eq!(mend(&all), Err(NotRepaired::Anybody));
        assert!(matches!(mend("{"), Err(NotRepaired::Policy(_))));
    }

    #[test]
    fn letters_and_operators_of_others_are_kept() {
        let text = document(&[statement(
            BOTH,
            &format!(
                r#","Condition":{{"StringLike":{{"AWS:SourceArn":"{DEAD}","aws:SourceAccount":["{ACCOUNT}"]}}}}"#
            ),
        )]);
        let after = right(&text);
        let condition = &after["Statement"][0]["Condition"];
        assert_eq!(
            condition["StringLike"]["AWS:SourceArn"],
            json!([DEAD, FARM])
        );
        assert_eq!(condition.as_object().unwrap().len(), 1, "{condition}");
    }

    /// `sts:*` takes AssumeRole along; it is not narrowed, and not doubled.
    #[test]
    fn a_wildcard_of_sts_is_read_as_what_it_allows() {
        let both = r#"{"Service":["credentials.deadline.amazonaws.com","deadline.amazonaws.com"]}"#;
        let condition = format!(
            r#","Condition":{{"StringEquals":{{"aws:SourceAccount":"{ACCOUNT}"}},"ArnEquals":{{"aws:SourceArn":"{FARM}"}}}}"#
        );
        let wild = |action: &str, condition: &str| {
            statement(both, condition).replace("sts:AssumeRole", action)
        };
        for action in ["sts:*", "sts:Assume*", "*"] {
            let text = document(&[wild(action, &condition)]);
            assert_eq!(mend(&text), Ok(None), "{action}");
            let open = document(&[wild(action, "")]);
            let judged = judge(
                &Policy::parse(&open).unwrap(),
                RoleUse::Queue,
                FARM,
                ACCOUNT,
            );
            assert_eq!(judged, Trust::TooWide, "{action}");
            let mended = right(&open);
            assert_eq!(
                mended["Statement"][0]["Action"], action,
                "it stays as it is written"
            );
        }
    }
}
