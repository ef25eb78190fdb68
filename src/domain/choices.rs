//! From the studio's choices to what each of its roles needs: the smallest resources and conditions, each with its
//! reason (field facts B1, B2). Pure: the queue's and the farm's own facts are choices too, made earlier.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

use super::channel::{Channel, Place};
use super::config::{PathId, StudioConfig};
use super::ids::{AccountId, FarmId, FleetId, Region, RoleArn};
use super::needs::{FLEET_POLICY, Need, QUEUE_POLICY, Serves, of_channels};
use super::policy::Context;
use super::text::Printable;
use super::worker_secret::SecretPlace;

/// What a role is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RoleUse {
    Queue,
    Fleet,
    WorkerHost,
}

impl RoleUse {
    pub fn word(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Fleet => "fleet",
            Self::WorkerHost => "worker host",
        }
    }

    /// Our inline policy on such a role. A worker host's rights are AWS's managed policy, which people attach.
    pub fn policy(self) -> Option<&'static str> {
        match self {
            Self::Queue => Some(QUEUE_POLICY),
            Self::Fleet => Some(FLEET_POLICY),
            Self::WorkerHost => None,
        }
    }
}

/// A role that the studio's queues, fleets or machines use, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedRole {
    pub arn: RoleArn,
    pub of: RoleUse,
    /// The queues or fleets that use it, by name.
    pub by: Vec<Printable>,
    /// The farms of those, which it must trust.
    pub farms: Vec<FarmId>,
}

/// Does anything exist among the choices that a queue without a role could not have?
pub fn needs_role(config: &StudioConfig) -> bool {
    let tunnel = config.tunnel.is_some() && config.chooses(PathId::Ssm);
    config.s3_channels().next().is_some() || config.secret.is_some() || tunnel
}

/// Where a tunnel of Systems Manager ends: a managed instance, and the host behind it where the server is not on it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tunnel {
    pub instance: String,
    pub host: Option<String>,
    /// Where AYON's own plain listener is, where that is another port than the server's address names.
    #[serde(default)]
    pub port: Option<u16>,
}

impl Tunnel {
    /// The server's address as it is at the tunnel's end.
    pub fn behind(&self, server: &Url) -> Url {
        let mut url = server.clone();
        if let Some(port) = self.port {
            let _ = url.set_scheme("http");
            let _ = url.set_port(Some(port));
        }
        url
    }

    /// The document of AWS's that opens it.
    pub fn document(&self) -> &'static str {
        if self.host.is_some() {
            "AWS-StartPortForwardingSessionToRemoteHost"
        } else {
            "AWS-StartPortForwardingSession"
        }
    }
}

/// Both ends of an encrypted session make its key; Systems Manager uses it in the caller's name.
fn session_key_need(key: &str) -> Need {
    let action = "kms:GenerateDataKey";
    let because = "the account encrypts its sessions with this KMS key, so the role that opens one makes a data key of it";
    let resource = [key.to_owned()];
    Need::new("TunnelKey", &[action], &resource, because)
        .for_example(&[(action, key)])
        .serving(Serves::Tunnel)
}

/// Everything that a role's needs follow from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choices {
    pub partition: String,
    pub region: Region,
    pub account: String,
    pub farm: FarmId,
    pub channels: Vec<Channel>,
    /// Whose a channel's bucket is, where that is known.
    pub owners: BTreeMap<String, AccountId>,
    /// The KMS key that encrypts YNPUT's bucket.
    pub channel_key: Option<String>,
    pub secret: Option<SecretPlace>,
    pub tunnel: Option<Tunnel>,
    /// The KMS key that the account encrypts its sessions with, as an ARN.
    pub session_key: Option<String>,
    /// Buckets of job attachments, each with the prefix below which they lie.
    pub attachments: Vec<(String, String)>,
    pub farm_key: Option<String>,
    /// The fleets whose workers get the role.
    pub fleets: Vec<FleetId>,
    /// For a machine's role: the fleets that such a machine could join.
    pub own_fleets: Vec<FleetId>,
}

impl Choices {
    pub fn needs(&self, of: RoleUse) -> Vec<Need> {
        match of {
            RoleUse::Queue => self.of_queue(),
            RoleUse::Fleet => self.of_fleet(),
            RoleUse::WorkerHost => self.of_worker_host(),
        }
    }

    fn arn(&self, service: &str, rest: &str) -> String {
        let (partition, region, account) = (&self.partition, &self.region, &self.account);
        format!("arn:{partition}:{service}:{region}:{account}:{rest}")
    }

    /// The request is for a thing of this account.
    fn own(&self) -> Context {
        let account = |key: &str| (key.to_owned(), self.account.clone());
        Context::from([
            account("aws:resourceaccount"),
            account("aws:principalaccount"),
        ])
    }

    /// A key is used through a service alone, never as such.
    fn key(&self, sid: &str, arn: &str, service: &str, because: &str) -> Need {
        // A key is where what it encrypts is.
        let region = arn.split(':').nth(3).unwrap_or(self.region.as_str());
        let via = format!("{service}.{region}.amazonaws.com");
        Need::new(sid, &["kms:Decrypt"], &[arn.to_owned()], because)
            .only("StringEquals", "kms:ViaService", &via)
            .for_example(&[("kms:Decrypt", arn)])
    }

    fn log_groups(&self) -> String {
        self.arn("logs", &format!("log-group:/aws/deadline/{}/*", self.farm))
    }

    fn a_log(&self) -> String {
        let stream = "queue-00000000000000000000000000000000:log-stream:session-0";
        self.arn(
            "logs",
            &format!("log-group:/aws/deadline/{}/{stream}", self.farm),
        )
    }

    fn of_queue(&self) -> Vec<Need> {
        let owner_of = |bucket: &str| self.owners.get(bucket).cloned();
        let mut needs = of_channels(&self.channels, &self.partition, &owner_of);
        if let (Some(key), false) = (&self.channel_key, needs.is_empty()) {
            let because = "the channel's bucket is encrypted with this key, and S3 hands out nothing that it can't decrypt";
            let need = self.key("ChannelKey", key, "s3", because);
            needs.push(need.serving(Serves::Channel));
        }
        if self.channels.iter().any(|c| c.place() == Place::AwsAlias) {
            needs.push(self.software());
        }
        if let Some(secret) = &self.secret {
            let action = "secretsmanager:GetSecretValue";
            let because =
                "the publish step's AYON key is read from this secret at the start of a session";
            let resource = secret.resource(&self.partition, &self.region, &self.account);
            let example = resource.replace("??????", "AbCdEf");
            let need = Need::new("AyonKey", &[action], &[resource], because);
            needs.push(need.for_example(&[(action, &example)]));
            if let Some(key) = &secret.key {
                let because = "the secret is encrypted with this key";
                needs.push(self.key("AyonKeyDecrypt", key, "secretsmanager", because));
            }
        }
        if let Some(tunnel) = &self.tunnel {
            needs.extend(self.tunnel_needs(tunnel));
            needs.extend(self.session_key.as_deref().map(session_key_need));
        }
        for (n, (bucket, prefix)) in self.attachments.iter().enumerate() {
            needs.extend(self.attachment_needs(bucket, prefix, n + 1));
        }
        let logs = Need::new(
            "SessionLogs",
            &["logs:GetLogEvents"],
            &[self.log_groups()],
            "the monitor reads the sessions' logs as this role",
        );
        needs.push(
            logs.serving(Serves::Logs)
                .carries(&self.own())
                .for_example(&[("logs:GetLogEvents", &self.a_log())]),
        );
        needs
    }

    /// The third statement of the policy that the console writes: without it AWS's own channels are forbidden.
    fn software(&self) -> Need {
        let pattern = format!(
            "arn:{}:s3:*:*:accesspoint/deadline-software-*",
            self.partition
        );
        let point = self.arn("s3", "accesspoint/deadline-software-x");
        let carried = Context::from([
            ("s3:dataaccesspointarn".to_owned(), point.clone()),
            ("aws:securetransport".to_owned(), "true".to_owned()),
        ]);
        let because = "deadline-cloud and deadline-cloud-v2 are read through AWS's access points, which no other statement opens";
        Need::new(
            "AwsSoftware",
            &["s3:ListBucket", "s3:GetObject"],
            &["*".to_owned()],
            because,
        )
        .only_if("ArnLike", "s3:DataAccessPointArn", &pattern)
        .only("StringEquals", "s3:AccessPointNetworkOrigin", "VPC")
        .carries(&carried)
        .for_example(&[
            ("s3:ListBucket", &point),
            ("s3:GetObject", &format!("{point}/object/x")),
        ])
        .serving(Serves::AwsSoftware)
    }

    fn tunnel_needs(&self, tunnel: &Tunnel) -> [Need; 2] {
        let (partition, region) = (&self.partition, &self.region);
        // A document of AWS's own has no account in its ARN.
        let document = format!(
            "arn:{partition}:ssm:{region}::document/{}",
            tunnel.document()
        );
        let target = if tunnel.instance.starts_with("mi-") {
            self.arn("ssm", &format!("managed-instance/{}", tunnel.instance))
        } else {
            self.arn("ec2", &format!("instance/{}", tunnel.instance))
        };
        let start = "ssm:StartSession";
        // As AWS's sample policies have it in 2026: the plugin signs OpenDataChannel since 1.2.764.0 (field facts E).
        let own = [
            "ssmmessages:OpenDataChannel",
            "ssm:ResumeSession",
            "ssm:TerminateSession",
        ];
        let id = "AROAEXAMPLE:session";
        let mine = format!("arn:{partition}:ssm:*:*:session/${{aws:userid}}-*");
        let one = self.arn("ssm", &format!("session/{id}-0a1b2c3d"));
        let carried = Context::from([("aws:userid".to_owned(), id.to_owned())]);
        [
            Need::new(
                "Tunnel",
                &[start],
                &[document.clone(), target.clone()],
                "the worker opens a port to the AYON server through Systems Manager",
            )
            .for_example(&[(start, &document), (start, &target)])
            .serving(Serves::Tunnel),
            Need::new(
                "TunnelSession",
                &own,
                &[mine],
                "opens the data channel of its own sessions, resumes and closes them, nobody else's",
            )
            .carries(&carried)
            .for_example(&own.map(|action| (action, one.as_str())))
            .serving(Serves::Tunnel),
        ]
    }

    fn attachment_needs(&self, bucket: &str, prefix: &str, nth: usize) -> [Need; 2] {
        let arn = |path: &str| format!("arn:{}:s3:::{path}", self.partition);
        let below = if prefix.is_empty() {
            bucket.to_owned()
        } else {
            format!("{bucket}/{}", prefix.trim_matches('/'))
        };
        let (lists, files) = (
            ["s3:ListBucket", "s3:GetBucketLocation"],
            ["s3:GetObject", "s3:PutObject"],
        );
        let (whole, example) = (arn(bucket), arn(&format!("{below}/Data/0a1b")));
        let need = |name: &str, actions: &[&'static str], path: &str, because: &str| {
            let sid = format!("{name}{nth}");
            Need::new(sid, actions, &[arn(path)], because)
                .carries(&super::needs::plain_bucket())
                .carries(&self.own())
                .only("StringEquals", "aws:ResourceAccount", &self.account)
        };
        [
            need(
                "AttachmentsList",
                &lists,
                bucket,
                "job attachments are looked for in this bucket",
            )
            .for_example(&lists.map(|a| (a, whole.as_str()))),
            need(
                "Attachments",
                &files,
                &format!("{below}/*"),
                "a job's input files are read from there, and its results written",
            )
            .for_example(&files.map(|a| (a, example.as_str()))),
        ]
    }

    fn of_fleet(&self) -> Vec<Need> {
        let farm = self.arn("deadline", &format!("farm/{}", self.farm));
        let worker = |fleet: &str| format!("{farm}/fleet/{fleet}/worker/*");
        let workers: Vec<String> = if self.fleets.is_empty() {
            vec![worker("*")]
        } else {
            self.fleets.iter().map(|f| worker(f.as_str())).collect()
        };
        let one = workers[0].replace('*', "worker-00000000000000000000000000000001");
        let actions = [
            "deadline:AssumeFleetRoleForWorker",
            "deadline:UpdateWorker",
            "deadline:UpdateWorkerSchedule",
            "deadline:BatchGetJobEntity",
        ];
        let assume = "deadline:AssumeQueueRoleForWorker";
        let queue = format!("{farm}/queue/queue-00000000000000000000000000000001");
        // A worker asks for the role of whichever queue its fleet serves; both resources count.
        let mut both = workers.clone();
        both.push(format!("{farm}/queue/*"));
        let mut needs = vec![
            Need::new(
                "Work",
                &actions,
                &workers,
                "a worker of the fleet asks for work and says how it went",
            )
            .carries(&self.own())
            .for_example(&actions.map(|a| (a, one.as_str()))),
            Need::new(
                "QueueRoleForWork",
                &[assume],
                &both,
                "and takes the queue role's credentials for a session",
            )
            .carries(&self.own())
            .for_example(&[(assume, &queue), (assume, &one)]),
        ];
        let through = Context::from([(
            "aws:calledvia".to_owned(),
            "deadline.amazonaws.com".to_owned(),
        )]);
        let create = "logs:CreateLogStream";
        let log = self.a_log();
        let stream = Need::new(
            "LogStreams",
            &[create],
            &[self.log_groups()],
            "Deadline Cloud makes the session's log stream on its behalf",
        )
        .only_if(
            "ForAnyValue:StringEquals",
            "aws:CalledVia",
            "deadline.amazonaws.com",
        )
        .carries(&through)
        .carries(&self.own());
        needs.push(stream.for_example(&[(create, &log)]));
        let logs = ["logs:PutLogEvents", "logs:GetLogEvents"];
        let write = Need::new(
            "Logs",
            &logs,
            &[self.log_groups()],
            "the worker writes its sessions' logs",
        );
        needs.push(
            write
                .carries(&self.own())
                .for_example(&logs.map(|a| (a, log.as_str()))),
        );
        if let Some(key) = &self.farm_key {
            let actions = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"];
            let via = format!("deadline.{}.amazonaws.com", self.region);
            let need = Need::new(
                "FarmKey",
                &actions,
                std::slice::from_ref(key),
                "the farm's data is encrypted with this key",
            )
            .only("StringEquals", "kms:ViaService", &via);
            needs.push(need.for_example(&actions.map(|a| (a, key.as_str()))));
        }
        needs
    }

    /// What a customer's own machine needs until it has its fleet's role: AWSDeadlineCloud-WorkerHost. One need for each
    /// fleet that it could join; a machine joins one.
    fn of_worker_host(&self) -> Vec<Need> {
        let any = ["*".to_owned()];
        let ids = self.own_fleets.iter().map(|f| f.as_str().to_owned());
        let ids: Vec<String> = if self.own_fleets.is_empty() {
            any.to_vec()
        } else {
            ids.collect()
        };
        let of = |(n, id): (usize, &String)| {
            let fleet = self.arn("deadline", &format!("farm/{}/fleet/{id}", self.farm));
            let one = fleet.replace('*', "fleet-00000000000000000000000000000001");
            let worker = format!("{one}/worker/worker-00000000000000000000000000000001");
            let (create, assume) = ("deadline:CreateWorker", "deadline:AssumeFleetRoleForWorker");
            [
                Need::new(
                    format!("Worker{}", n + 1),
                    &[create],
                    std::slice::from_ref(&fleet),
                    "a machine makes itself a worker of the fleet",
                )
                .carries(&self.own())
                .for_example(&[(create, &one)]),
                Need::new(
                    format!("FleetRole{}", n + 1),
                    &[assume],
                    &[format!("{fleet}/worker/*")],
                    "then takes the fleet's role",
                )
                .carries(&self.own())
                .for_example(&[(assume, &worker)]),
            ]
        };
        ids.iter().enumerate().flat_map(of).collect()
    }
}
