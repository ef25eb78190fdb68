//! The machine at the end of the tunnel is in touch with Systems Manager, by an agent that knows port forwarding.

use url::Url;

use super::prelude::*;
use crate::derived::connections::tunnel;
use crate::domain::fact::Fact;
use crate::domain::node::{FORWARDS, FORWARDS_TO_HOST, PingStatus, at_least};
use crate::questions::NodeDetails;

pub const CHECK: Check = Check {
    id: "tunnel-node",
    title: "The tunnel's machine is connected to Systems Manager",
    why: "a session starts only to a machine whose agent is online, and only a newer agent forwards ports",
    topic: Topic::Server,
    grade: Grade::Documents,
    severity: Severity::Fail,
    in_audit: true,
    run: Run::Server(check),
};

const REACH: &str = "start the SSM agent on the machine (systemctl start amazon-ssm-agent), and let it reach ssm and \
    ssmmessages on outbound TCP 443";

fn check(view: &View, _: &Url) -> Vec<Finding> {
    let Some(tunnel) = tunnel(view) else {
        return Vec::new(); // tunnel-as-queue-role says that none is named
    };
    let question = NodeDetails(tunnel.instance.clone());
    let fact = view.fact(&question);
    let evidence = view.evidence(&question);
    let node = match fact {
        Fact::Known(node) => node,
        Fact::Absent => {
            let line = format!(
                "{} is not a managed node of this account and region",
                tunnel.instance
            );
            let finding = Finding::fail("absent", line)
                .why("its SSM agent has never reported here: StartSession would end in TargetNotConnected")
                .fix("compare the id and the region; the machine needs the SSM agent and, on EC2, a role with AmazonSSMManagedInstanceCore");
            return vec![finding.from(evidence)];
        }
        _ => return with_evidence(Finding::unread("the tunnel's machine", fact), evidence),
    };
    let name = node
        .name
        .as_ref()
        .map(|n| format!("{} ", n.show()))
        .unwrap_or_default();
    let named = format!("Node {name}({})", tunnel.instance);
    let agent = node.agent.show();
    let heard = node
        .last_ping
        .map(|at| format!(", last heard of {}", crate::domain::time::day_and_clock(at)));
    let heard = heard.unwrap_or_default();
    let least = if tunnel.host.is_some() {
        FORWARDS_TO_HOST
    } else {
        FORWARDS
    };
    let finding = match (&node.ping, at_least(node.agent.raw(), least)) {
        (PingStatus::Online, Some(true)) => {
            Finding::ok(format!("{named} is Online, SSM agent {agent}"))
        }
        (PingStatus::Online, Some(false)) => {
            let line = format!(
                "{named}: SSM agent {agent} does not know port forwarding ({least} or newer does)"
            );
            Finding::fail("old-agent", line)
                .why("an older agent closes the session of a document that it does not know")
                .fix(format!(
                    "update the agent: `aws ssm send-command --document-name AWS-UpdateSSMAgent --instance-ids {}`",
                    tunnel.instance
                ))
        }
        (PingStatus::Online, None) => {
            let line =
                format!("{named} is Online; its agent's version \"{agent}\" can't be compared");
            Finding::unknown("agent-version", line)
                .fix(format!("see that the agent is {least} or newer"))
        }
        (PingStatus::Lost | PingStatus::Inactive, _) => {
            let line = format!("{named} is {}{heard}", node.ping.word());
            Finding::fail("lost", line)
                .why("StartSession would end in TargetNotConnected")
                .fix(REACH)
        }
        (PingStatus::Unknown(_), _) => {
            let line = format!("{named} has the status {}{heard}", node.ping.word());
            Finding::unknown("status", line).fix(REACH)
        }
    };
    vec![finding.from(evidence)]
}
