//! What a queue role needs for the studio's choices, as statements, each with its reason (field facts B2).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::channel::{Channel, Place};
use super::ids::AccountId;
use super::policy::{Context, Decision, NotAPolicy, Policy, decide};

/// The one inline policy that is ours on a queue role. The name never changes.
pub const QUEUE_POLICY: &str = "studiolink-queue";

/// One permission on one resource, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    pub sid: String,
    pub action: &'static str,
    pub resource: String,
    pub account: Option<AccountId>,
    pub because: String,
}

/// A role reads each S3 channel: its objects, and the bucket's list, without which S3 answers 403 for a file that is
/// merely absent, which conda takes as fatal. No condition on `s3:prefix`: the 404-or-403 decision carries none.
/// `account` owns YNPUT's bucket and says nothing of any other: a wrong owner in a condition denies silently.
pub fn of_channels(
    channels: &[Channel],
    partition: &str,
    account: Option<&AccountId>,
) -> Vec<Need> {
    let buckets: BTreeSet<&str> = channels.iter().filter_map(Channel::bucket).collect();
    let mut needs: Vec<Need> = Vec::new();
    for channel in channels {
        let Place::S3 { bucket, prefix } = channel.place() else {
            continue;
        };
        let owner = account.filter(|_| is_ynputs(bucket, &buckets));
        let objects = if prefix.is_empty() {
            format!("{bucket}/*")
        } else {
            format!("{bucket}/{prefix}/*")
        };
        for (what, action, path, because) in [
            (
                "List",
                "s3:ListBucket",
                bucket.to_owned(),
                format!("absent files of {channel} must be told from forbidden ones"),
            ),
            (
                "Read",
                "s3:GetObject",
                objects,
                format!("conda reads the index and the packages of {channel}"),
            ),
        ] {
            let resource = format!("arn:{partition}:s3:::{path}");
            if !needs
                .iter()
                .any(|n| n.action == action && n.resource == resource)
            {
                let n = needs.iter().filter(|n| n.action == action).count() + 1;
                let sid = format!("Channel{what}{n}");
                needs.push(Need {
                    sid,
                    action,
                    resource,
                    account: owner.cloned(),
                    because,
                });
            }
        }
    }
    needs
}

/// The only bucket there is, or the one that carries YNPUT's name.
fn is_ynputs(bucket: &str, all: &BTreeSet<&str>) -> bool {
    all.len() == 1 || bucket.contains("ynput")
}

impl Need {
    pub fn statement(&self) -> Value {
        let mut statement = json!({ "Sid": self.sid, "Effect": "Allow", "Action": self.action, "Resource": self.resource });
        if let Some(account) = &self.account {
            statement["Condition"] =
                json!({ "StringEquals": { "aws:ResourceAccount": account.as_str() } });
        }
        statement
    }

    /// What is known of such a request: it goes to a plain bucket, so it carries no access point.
    pub fn context(&self) -> Context {
        let mut context = Context::from([
            ("s3:dataaccesspointarn".to_owned(), String::new()),
            ("s3:accesspointnetworkorigin".to_owned(), String::new()),
            ("aws:securetransport".to_owned(), "true".to_owned()),
        ]);
        if let Some(account) = &self.account {
            context.insert("aws:resourceaccount".to_owned(), account.to_string());
        }
        context
    }

    pub fn met_by<'a>(&self, policies: impl IntoIterator<Item = &'a Policy>) -> Decision {
        decide(policies, self.action, &self.resource, &self.context())
    }
}

/// Our policy with what is missing: what stands there stays, statement by statement, and the needs that nothing meets
/// are added. `None`: nothing is missing.
pub fn widened(
    needs: &[Need],
    others: &[Policy],
    ours: Option<&str>,
) -> Result<Option<String>, NotAPolicy> {
    let parsed = ours.map(Policy::parse).transpose()?;
    let all = || others.iter().chain(&parsed);
    let lacking: Vec<&Need> = needs
        .iter()
        .filter(|n| n.met_by(all()) != Decision::Allowed)
        .collect();
    // A Deny wins over every Allow: writing one more would be a change that changes nothing.
    let lacking: Vec<&Need> = lacking
        .into_iter()
        .filter(|n| {
            !parsed
                .as_ref()
                .is_some_and(|p| n.met_by([p]) == Decision::Allowed)
        })
        .collect();
    if lacking.is_empty() {
        return Ok(None);
    }
    let mut document = match ours {
        Some(text) => serde_json::from_str(text).map_err(|e| NotAPolicy(e.to_string()))?,
        None => json!({ "Version": "2012-10-17", "Statement": [] }),
    };
    let mut statements = listed(&document);
    for need in lacking {
        let mut statement = need.statement();
        let taken = |sid: &str, all: &[Value]| all.iter().any(|s| s["Sid"] == sid);
        let mut free = need.sid.clone();
        while taken(&free, &statements) {
            free.push('x');
        }
        statement["Sid"] = free.into();
        statements.push(statement);
    }
    document["Statement"] = Value::Array(statements);
    Ok(Some(laid_out(&document)))
}

/// Our policy without the statements that served only these needs. `None`: nothing of it goes. The inner `None`:
/// nothing of it is left.
#[allow(clippy::option_option)] // two different nothings, each with its own change
pub fn narrowed(ours: &str, gone: &[Need], kept: &[Need]) -> Option<Option<String>> {
    let mut document: Value = serde_json::from_str(ours).ok()?;
    let all = listed(&document);
    let serves = |s: &Value, needs: &[Need]| {
        needs
            .iter()
            .any(|n| s["Action"] == n.action && s["Resource"] == n.resource.as_str())
    };
    let left: Vec<Value> = all
        .iter()
        .filter(|s| !serves(s, gone) || serves(s, kept))
        .cloned()
        .collect();
    if left.len() == all.len() {
        return None;
    }
    if left.is_empty() {
        return Some(None);
    }
    document["Statement"] = Value::Array(left);
    Some(Some(laid_out(&document)))
}

fn listed(document: &Value) -> Vec<Value> {
    match &document["Statement"] {
        Value::Array(list) => list.clone(),
        one @ Value::Object(_) => vec![one.clone()],
        _ => Vec::new(),
    }
}

fn laid_out(document: &Value) -> String {
    serde_json::to_string_pretty(document).unwrap_or_else(|_| document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channels(text: &str) -> Vec<Channel> {
        text.split(' ').map(|c| c.parse().unwrap()).collect()
    }

    #[test]
    fn only_s3_channels_need_rights_and_each_bucket_is_listed_once() {
        let needs = of_channels(
            &channels("deadline-cloud s3://b-1/ayon s3://b-1/own https://h/c conda-forge"),
            "aws",
            None,
        );
        let rows: Vec<_> = needs
            .iter()
            .map(|n| format!("{} {} {}", n.sid, n.action, n.resource))
            .collect();
        assert_eq!(
            rows,
            [
                "ChannelList1 s3:ListBucket arn:aws:s3:::b-1",
                "ChannelRead1 s3:GetObject arn:aws:s3:::b-1/ayon/*",
                "ChannelRead2 s3:GetObject arn:aws:s3:::b-1/own/*"
            ]
        );
    }

    #[test]
    fn ours_gains_what_no_other_policy_gives_and_settles() {
        let needs = of_channels(&channels("s3://b-1/ayon"), "aws", None);
        let ours = widened(&needs, &[], None).unwrap().unwrap();
        assert_eq!(
            widened(&needs, &[], Some(&ours)).unwrap(),
            None,
            "once is enough"
        );
        let other =
            Policy::parse(r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#)
                .unwrap();
        assert_eq!(
            widened(&needs, &[other], None).unwrap(),
            None,
            "never written twice"
        );
        let more = of_channels(&channels("s3://b-1/ayon s3://b-2/x"), "aws", None);
        let wider = widened(&more, &[], Some(&ours)).unwrap().unwrap();
        let (old, new): (Value, Value) = (
            serde_json::from_str(&ours).unwrap(),
            serde_json::from_str(&wider).unwrap(),
        );
        let (old, new) = (
            old["Statement"].as_array().unwrap(),
            new["Statement"].as_array().unwrap(),
        );
        assert_eq!(
            new[..old.len()],
            old[..],
            "what stands there stays, in its order"
        );
        let mut sids: Vec<_> = new.iter().map(|s| s["Sid"].as_str().unwrap()).collect();
        sids.dedup();
        assert_eq!(sids.len(), 4, "Sids are unique in a document");
    }

    #[test]
    fn a_channel_that_left_takes_only_its_own_rights_along() {
        let both = of_channels(
            &channels("s3://b-1/ayon s3://b-1/own s3://b-2/x"),
            "aws",
            None,
        );
        let ours = widened(&both, &[], None).unwrap().unwrap();
        let gone = of_channels(&channels("s3://b-1/own"), "aws", None);
        let kept = of_channels(&channels("s3://b-1/ayon s3://b-2/x"), "aws", None);
        let left = narrowed(&ours, &gone, &kept).unwrap().unwrap();
        assert!(
            !left.contains("b-1/own/*") && left.contains("\"arn:aws:s3:::b-1\""),
            "{left}"
        );
        assert_eq!(narrowed(&left, &gone, &kept), None);
        let all = of_channels(&channels("s3://b-1/ayon"), "aws", None);
        let only = widened(&all, &[], None).unwrap().unwrap();
        assert_eq!(
            narrowed(&only, &all, &[]),
            Some(None),
            "nothing of ours is left"
        );
    }

    #[test]
    fn the_owner_of_ynputs_bucket_says_nothing_of_another() {
        let account = "210987654321".parse().unwrap();
        let list = channels("s3://studio-own/x s3://ynput-conda-channel/ayon");
        let needs = of_channels(&list, "aws", Some(&account));
        let owned: Vec<_> = needs.iter().filter(|n| n.account.is_some()).collect();
        assert!(owned.len() == 2 && owned.iter().all(|n| n.resource.contains("ynput")));
    }

    #[test]
    fn the_owner_is_a_condition_where_it_is_known() {
        let account = "210987654321".parse().unwrap();
        let needs = of_channels(&channels("s3://b-1/ayon"), "aws", Some(&account));
        let text = widened(&needs, &[], None).unwrap().unwrap();
        assert!(
            text.contains("aws:ResourceAccount") && !text.contains("s3:prefix"),
            "{text}"
        );
        let copied = Policy::parse(&text.replace("210987654321", "123456789012")).unwrap();
        assert_eq!(
            needs[0].met_by([&copied]),
            Decision::NotAllowed,
            "a copied own-account value denies silently"
        );
    }
}
