//! What a queue role needs for the studio's choices, as statements, each with its reason (field facts B2).

use serde_json::{Value, json};

use super::channel::{Channel, Place};
use super::ids::AccountId;
use super::policy::{Context, Decision, Policy, decide};

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
pub fn of_channels(
    channels: &[Channel],
    partition: &str,
    account: Option<&AccountId>,
) -> Vec<Need> {
    let mut needs: Vec<Need> = Vec::new();
    for channel in channels {
        let Place::S3 { bucket, prefix } = channel.place() else {
            continue;
        };
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
                let sid = format!(
                    "Channel{what}{}",
                    needs.iter().filter(|n| n.action == action).count() + 1
                );
                needs.push(Need {
                    sid,
                    action,
                    resource,
                    account: account.cloned(),
                    because,
                });
            }
        }
    }
    needs
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

/// Our policy's document: the needs that no other policy meets, and those that ours met before.
/// `None`: nothing is needed of ours.
pub fn queue_policy(needs: &[Need], others: &[Policy], ours: Option<&Policy>) -> Option<String> {
    let kept: Vec<Value> = needs
        .iter()
        .filter(|n| {
            n.met_by(others) != Decision::Allowed
                || ours.is_some_and(|p| n.met_by([p]) == Decision::Allowed)
        })
        .map(Need::statement)
        .collect();
    if kept.is_empty() {
        return None;
    }
    let document = json!({ "Version": "2012-10-17", "Statement": kept });
    Some(serde_json::to_string_pretty(&document).unwrap_or_else(|_| document.to_string()))
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
    fn ours_holds_what_no_other_policy_gives_and_settles() {
        let needs = of_channels(&channels("s3://b-1/ayon"), "aws", None);
        let ours = queue_policy(&needs, &[], None).unwrap();
        let parsed = Policy::parse(&ours).unwrap();
        assert!(
            needs
                .iter()
                .all(|n| n.met_by([&parsed]) == Decision::Allowed)
        );
        let other =
            Policy::parse(r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#)
                .unwrap();
        assert_eq!(
            queue_policy(&needs, std::slice::from_ref(&other), None),
            None,
            "what another policy gives is not written twice"
        );
        assert_eq!(
            queue_policy(&needs, &[other], Some(&parsed)).unwrap(),
            ours,
            "and ours does not flap when another appears"
        );
        assert_eq!(
            queue_policy(&[], &[], Some(&parsed)),
            None,
            "a channel that left takes its rights along"
        );
    }

    #[test]
    fn the_owner_is_a_condition_where_it_is_known() {
        let account = "210987654321".parse().unwrap();
        let needs = of_channels(&channels("s3://b-1/ayon"), "aws", Some(&account));
        let text = queue_policy(&needs, &[], None).unwrap();
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
