//! What a role needs, as statements, each with its reason. Which needs a choice brings: `choices.rs`.

use serde_json::{Map, Value, json};

use super::channel::{Channel, Place};
use super::ids::AccountId;
use super::permission::PermissionRequest;
use super::policy::{
    Context, Decision, NotAPolicy, OpenCondition, Policy, VERSION, decide_within, open_conditions,
    wild,
};

/// The one inline policy that is ours on a queue role. The name never changes.
pub const QUEUE_POLICY: &str = "studiolink-queue";
/// The one that is ours on a fleet's role. The name never changes.
pub const FLEET_POLICY: &str = "studiolink-fleet";

/// What IAM lets the inline policies of one role hold together; white space does not count.
pub const INLINE_LIMIT: usize = 10_240;

/// As IAM counts a policy.
pub fn counted(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

/// What a need serves; checks and plans treat them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serves {
    /// Reading the index and the packages of an S3 channel.
    ChannelFiles,
    /// The rest that an S3 channel needs: its bucket's list, its key.
    Channel,
    /// AWS's own channels. It names all resources, and its conditions say which: it is judged by its examples.
    AwsSoftware,
    /// Reading logs, which no session stops without.
    Logs,
    /// The session of Systems Manager through which a worker reaches the server.
    Tunnel,
    Session,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub operator: &'static str,
    pub key: &'static str,
    pub value: String,
}

/// One statement: what is done on what, under which conditions, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    pub sid: String,
    pub actions: Vec<&'static str>,
    pub resources: Vec<String>,
    pub conditions: Vec<Condition>,
    /// What a request of a worker carries here. An empty value: it carries no such key.
    pub context: Context,
    /// A few single requests that stand for all of it.
    pub examples: Vec<PermissionRequest>,
    pub serves: Serves,
    pub because: String,
}

/// A role reads each S3 channel: its objects, and the bucket's list, without which S3 answers 403 for a file that is
/// merely absent, which conda takes as fatal. No condition on `s3:prefix`: the 404-or-403 decision carries none.
/// `owner_of` says whose a bucket is, where that is known: a wrong owner in a condition denies silently.
pub fn of_channels(
    channels: &[Channel],
    partition: &str,
    owner_of: &dyn Fn(&str) -> Option<AccountId>,
) -> Vec<Need> {
    let mut needs: Vec<Need> = Vec::new();
    for channel in channels {
        let Place::S3 { bucket, prefix } = channel.place() else {
            continue;
        };
        let owner = owner_of(bucket);
        let below = if prefix.is_empty() {
            bucket.to_owned()
        } else {
            format!("{bucket}/{prefix}")
        };
        for (what, action, path, example, because) in [
            (
                "List",
                "s3:ListBucket",
                bucket.to_owned(),
                bucket.to_owned(),
                format!("absent files of {channel} must be told from forbidden ones"),
            ),
            (
                "Read",
                "s3:GetObject",
                format!("{below}/*"),
                format!("{below}/noarch/repodata.json"),
                format!("conda reads the index and the packages of {channel}"),
            ),
        ] {
            let arn = |path: &str| format!("arn:{partition}:s3:::{path}");
            let resource = arn(&path);
            let there = |n: &&Need| n.actions == [action] && n.resources.contains(&resource);
            if needs.iter().any(|n| there(&n)) {
                continue;
            }
            let n = needs.iter().filter(|n| n.actions == [action]).count() + 1;
            let mut need = Need::new(format!("Channel{what}{n}"), &[action], &[resource], because)
                .carries(&plain_bucket())
                .serving(if what == "Read" {
                    Serves::ChannelFiles
                } else {
                    Serves::Channel
                });
            if let Some(owner) = &owner {
                need = need.only("StringEquals", "aws:ResourceAccount", owner.as_str());
            }
            needs.push(need.for_example(&[(action, &arn(&example))]));
        }
    }
    needs
}

/// A request that goes to a plain bucket, so that it carries no access point.
pub fn plain_bucket() -> Context {
    Context::from([
        ("s3:dataaccesspointarn".to_owned(), String::new()),
        ("s3:accesspointnetworkorigin".to_owned(), String::new()),
        ("aws:securetransport".to_owned(), "true".to_owned()),
    ])
}

/// One text stays a text; more are a list.
fn one_or_all<T: serde::Serialize>(list: &[T]) -> Value {
    match list {
        [one] => json!(one),
        more => json!(more),
    }
}

impl Need {
    pub fn new(
        sid: impl Into<String>,
        actions: &[&'static str],
        resources: &[String],
        because: impl Into<String>,
    ) -> Self {
        Self {
            sid: sid.into(),
            actions: actions.to_vec(),
            resources: resources.to_vec(),
            conditions: Vec::new(),
            context: Context::new(),
            examples: Vec::new(),
            serves: Serves::Session,
            because: because.into(),
        }
    }

    /// Only under this condition, which a worker's request meets.
    #[must_use]
    pub fn only(self, operator: &'static str, key: &'static str, value: &str) -> Self {
        let carried = Context::from([(key.to_ascii_lowercase(), value.to_owned())]);
        self.only_if(operator, key, value).carries(&carried)
    }

    /// Only under this condition; what the request carries is said apart.
    #[must_use]
    pub fn only_if(mut self, operator: &'static str, key: &'static str, value: &str) -> Self {
        let value = value.to_owned();
        self.conditions.push(Condition {
            operator,
            key,
            value,
        });
        self
    }

    #[must_use]
    pub fn carries(mut self, context: &Context) -> Self {
        self.context.extend(context);
        self
    }

    /// The requests that stand for it; last, for they carry what the need carries.
    #[must_use]
    pub fn for_example(mut self, examples: &[(&str, &str)]) -> Self {
        let may = |(action, resource): &(&str, &str)| PermissionRequest {
            action: (*action).to_owned(),
            resource: (*resource).to_owned(),
            context: self.context.clone(),
        };
        self.examples = examples.iter().map(may).collect();
        self
    }

    #[must_use]
    pub fn serving(mut self, what: Serves) -> Self {
        self.serves = what;
        self
    }

    /// Does it serve an S3 channel?
    pub fn is_of_channels(&self) -> bool {
        matches!(self.serves, Serves::ChannelFiles | Serves::Channel)
    }

    pub fn statement(&self) -> Value {
        let mut statement = json!({
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": one_or_all(&self.actions),
            "Resource": one_or_all(&self.resources),
        });
        let mut conditions = Map::new();
        for c in &self.conditions {
            let keys = conditions.entry(c.operator).or_insert_with(|| json!({}));
            keys[c.key] = c.value.as_str().into();
        }
        if !conditions.is_empty() {
            statement["Condition"] = Value::Object(conditions);
        }
        statement
    }

    /// What it comes to, request by request, by these documents.
    pub fn judged<'a>(
        &self,
        policies: impl IntoIterator<Item = &'a Policy>,
        boundary: Option<&Policy>,
    ) -> Vec<(String, Decision)> {
        let policies: Vec<&Policy> = policies.into_iter().collect();
        let of = |action: &str, resource: &str| {
            let all = policies.iter().copied();
            let decision = decide_within(all, boundary, action, resource, &self.context);
            (format!("{action} on {resource}"), decision)
        };
        if self.serves == Serves::AwsSoftware {
            let all = self.examples.iter();
            return all.map(|m| of(&m.action, &m.resource)).collect();
        }
        let on = |r| self.actions.iter().map(move |a| (a, r));
        let pairs = self.resources.iter().flat_map(on);
        // Where a part decides, the few requests that are sure to be made decide for it.
        let by_example = |action: &str, resource: &str| {
            let own = self.examples.iter();
            let mut own = own.filter(|e| e.action == action && wild(resource, &e.resource));
            own.find_map(|e| {
                Some(of(&e.action, &e.resource)).filter(|(_, d)| *d == Decision::Denied)
            })
        };
        let judged = |(action, resource): (&&'static str, &String)| {
            let whole = of(action, resource);
            match whole.1 {
                Decision::Depends => by_example(action, resource).unwrap_or(whole),
                _ => whole,
            }
        };
        pairs.map(judged).collect()
    }

    pub fn met_within<'a>(
        &self,
        policies: impl IntoIterator<Item = &'a Policy>,
        boundary: Option<&Policy>,
    ) -> Decision {
        let all = self.judged(policies, boundary);
        let any = |wanted| all.iter().any(|(_, d)| *d == wanted);
        let worst = [Decision::Denied, Decision::NotAllowed, Decision::Depends];
        let found = worst.into_iter().find(|d| any(*d));
        found.unwrap_or(Decision::Allowed)
    }

    /// The conditions on which it depends whether it is met.
    pub fn open_conditions(&self, policies: &[&Policy]) -> Vec<OpenCondition> {
        let of = |r: &PermissionRequest| {
            let all = policies.iter().copied();
            open_conditions(all, &r.action, &r.resource, &self.context)
        };
        let on = |r| self.actions.iter().map(move |a| (a, r));
        let pairs = self.resources.iter().flat_map(on);
        let wide = pairs.flat_map(|(action, resource)| {
            let all = policies.iter().copied();
            open_conditions(all, action, resource, &self.context)
        });
        let own = self.examples.iter().flat_map(of);
        let mut open: Vec<OpenCondition> = own.chain(wide).collect();
        open.sort();
        open.dedup();
        open
    }

    pub fn met_by<'a>(&self, policies: impl IntoIterator<Item = &'a Policy>) -> Decision {
        self.met_within(policies, None)
    }
}

/// The needs that no policy of ours could meet, with what stands in the way: a Deny, which wins over every Allow, or the
/// role's permissions boundary.
pub fn barred<'n>(
    needs: &'n [Need],
    policies: &[&Policy],
    boundary: Option<&Policy>,
) -> Vec<(&'n Need, String)> {
    let mut bars = Vec::new();
    for need in needs {
        let denied = need.judged(policies.iter().copied(), None);
        let denied = denied.into_iter().filter(|(_, d)| *d == Decision::Denied);
        let inside = boundary.map(|b| need.judged([b], None)).unwrap_or_default();
        let outside = inside
            .into_iter()
            .filter(|(_, d)| matches!(d, Decision::Denied | Decision::NotAllowed));
        let words = denied
            .map(|(w, _)| format!("a Deny statement on it forbids {w}"))
            .chain(outside.map(|(w, _)| format!("its permissions boundary does not allow {w}")));
        bars.extend(words.map(|w| (need, w)));
    }
    bars
}

/// Our policy with what is missing: what stands there stays, statement by statement, and the needs that nothing meets
/// are added. `None`: nothing is missing.
pub fn widened(
    needs: &[Need],
    others: &[&Policy],
    ours: Option<&str>,
) -> Result<Option<String>, NotAPolicy> {
    let parsed = ours.map(Policy::parse).transpose()?;
    let all = || others.iter().copied().chain(&parsed);
    let allows: Vec<Policy> = all().map(Policy::without_denies).collect();
    let lacking: Vec<&Need> = needs
        .iter()
        // What is allowed already, and depends on a Deny with conditions, one more Allow would not change either.
        .filter(|n| n.met_by(&allows) != Decision::Allowed)
        // What ours alone gives, or what others deny, one more statement would not change.
        .filter(|n| n.met_by(all()) != Decision::Allowed && n.met_by(&parsed) != Decision::Allowed)
        .collect();
    if lacking.is_empty() {
        return Ok(None);
    }
    let mut document = match ours {
        Some(text) => serde_json::from_str(text).map_err(|e| NotAPolicy(e.to_string()))?,
        None => json!({ "Version": VERSION, "Statement": [] }),
    };
    let mut statements = listed(&document);
    for need in &lacking {
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
    let text = laid_out(&document);
    // The proof, by the same reading that found the lack. An old policy knows no variables; a Deny of its own wins.
    let then = Policy::parse(&text)?;
    match lacking
        .iter()
        .find(|n| n.met_by([&then]) != Decision::Allowed)
    {
        Some(need) => Err(NotAPolicy(format!(
            "adding {} to it changes nothing: a statement in it, or its Version, which is not {VERSION}, stands in the way",
            need.sid
        ))),
        None => Ok(Some(text)),
    }
}

/// Our policy without the statements that served only these needs. `None`: nothing of it goes. The inner `None`:
/// nothing of it is left.
#[allow(clippy::option_option)] // two different nothings, each with its own change
pub fn narrowed(ours: &str, gone: &[Need], kept: &[Need]) -> Option<Option<String>> {
    let mut document: Value = serde_json::from_str(ours).ok()?;
    let all = listed(&document);
    let serves = |s: &Value, needs: &[Need]| {
        needs.iter().any(|n| {
            let own = n.statement();
            let same = |key: &str| s[key] == own[key];
            same("Effect") && same("Action") && same("Resource")
        })
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

    fn nobodys(_: &str) -> Option<AccountId> {
        None
    }

    fn channels(text: &str) -> Vec<Channel> {
        text.split(' ').map(|c| c.parse().unwrap()).collect()
    }

    #[test]
    fn only_s3_channels_need_rights_and_each_bucket_is_listed_once() {
        let needs = of_channels(
            &channels("deadline-cloud s3://b-1/ayon s3://b-1/own https://h/c conda-forge"),
            "aws",
            &nobodys,
        );
        let rows: Vec<_> = needs
            .iter()
            .map(|n| format!("{} {} {}", n.sid, n.actions[0], n.resources[0]))
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
        let needs = of_channels(&channels("s3://b-1/ayon"), "aws", &nobodys);
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
            widened(&needs, &[&other], None).unwrap(),
            None,
            "never written twice"
        );
        let more = of_channels(&channels("s3://b-1/ayon s3://b-2/x"), "aws", &nobodys);
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
            &nobodys,
        );
        let ours = widened(&both, &[], None).unwrap().unwrap();
        let gone = of_channels(&channels("s3://b-1/own"), "aws", &nobodys);
        let kept = of_channels(&channels("s3://b-1/ayon s3://b-2/x"), "aws", &nobodys);
        let left = narrowed(&ours, &gone, &kept).unwrap().unwrap();
        assert!(
            !left.contains("b-1/own/*") && left.contains("\"arn:aws:s3:::b-1\""),
            "{left}"
        );
        assert_eq!(narrowed(&left, &gone, &kept), None);
        let all = of_channels(&channels("s3://b-1/ayon"), "aws", &nobodys);
        let only = widened(&all, &[], None).unwrap().unwrap();
        assert_eq!(
            narrowed(&only, &all, &[]),
            Some(None),
            "nothing of ours is left"
        );
    }

    #[test]
    fn what_a_deny_or_a_boundary_bars_is_named() {
        let needs = of_channels(&channels("s3://b-1/ayon"), "aws", &nobodys);
        let policy = |t: &str| Policy::parse(&format!(r#"{{"Statement":{t}}}"#)).unwrap();
        let deny = policy(r#"{"Effect":"Deny","Action":"s3:Get*","Resource":"*"}"#);
        let boundary = policy(r#"{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}"#);
        let words = |p: &[&Policy], f| -> Vec<String> {
            barred(&needs, p, f).into_iter().map(|(_, w)| w).collect()
        };
        assert_eq!(words(&[], None), [""; 0]);
        assert_eq!(
            words(&[&deny], None),
            ["a Deny statement on it forbids s3:GetObject on arn:aws:s3:::b-1/ayon/*"]
        );
        assert_eq!(
            words(&[], Some(&boundary)),
            ["its permissions boundary does not allow s3:ListBucket on arn:aws:s3:::b-1"]
        );
    }

    #[test]
    fn a_deny_of_somebodys_is_not_ours_to_take_away() {
        let gone = of_channels(&channels("s3://b-1/own"), "aws", &nobodys);
        let ours = r#"{"Statement":[{"Effect":"Deny","Action":"s3:GetObject","Resource":"arn:aws:s3:::b-1/own/*"}]}"#;
        assert_eq!(narrowed(ours, &gone, &[]), None);
        assert!(
            widened(&gone, &[], Some(ours)).is_err(),
            "nor does another Allow change anything"
        );
    }

    #[test]
    fn the_owner_is_a_condition_where_it_is_known() {
        let owner = |_: &str| Some("210987654321".parse().unwrap());
        let needs = of_channels(&channels("s3://b-1/ayon"), "aws", &owner);
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
