//! The names of a studio that were read: what a report for others leaves out.

use crate::domain::config::StudioConfig;
use crate::domain::fact::Fact;
use crate::domain::lattice::Target;
use crate::domain::redact::Kind;
use crate::domain::text::Untrusted;
use crate::probes::{AyonKey, KeySeen};
use crate::questions::{
    AddressOwner, AyonBundles, AyonProjects, CallerIdentity, EnvironmentText, FarmDetails,
    FarmList, FleetDetails, LatticeConfiguration, LatticeConfigurations, LatticeGateway,
    LatticeGateways, LatticeShares, Listed, NamedShares, NodeDetails, QueueDetails,
    QueueEnvironments, QueueList, RoleDocuments, SecretDetails, Snapshot, StorageProfile, VpcName,
    VpcNetwork, VpnConnections,
};

/// Each name that was read, with what it is.
pub fn names(snapshot: &Snapshot) -> Vec<(Kind, String)> {
    let mut all = Names {
        snapshot,
        list: Vec::new(),
    };
    all.of_farms();
    all.of_roles();
    all.of_ayon();
    all.of_network();
    all.list
}

/// Each name that the studio file says.
pub fn names_of_config(config: &StudioConfig) -> Vec<(Kind, String)> {
    let mut all: Vec<(Kind, String)> = Vec::new();
    let mut add = |kind, name: &str| all.push((kind, name.to_owned()));
    if let Some(host) = config.server.url.domain() {
        add(Kind::Host, host);
    }
    for channel in &config.channels {
        match channel.bucket() {
            Some(bucket) => add(Kind::Bucket, bucket),
            None if !channel.as_str().contains("://") => add(Kind::Channel, channel.as_str()),
            None => {} // an address is known by its form
        }
    }
    if let Some(profile) = &config.profile {
        add(Kind::Profile, profile);
    }
    if let Some(secret) = &config.secret {
        add(Kind::Secret, secret.name());
    }
    if let Some(host) = config.tunnel.as_ref().and_then(|t| t.host.as_ref()) {
        add(Kind::Host, host);
    }
    let new = &config.iam.new_role;
    for name in [&new.name, &new.path, &new.boundary].into_iter().flatten() {
        add(Kind::Role, name.trim_matches('/'));
    }
    for (_, value) in &new.tags {
        add(Kind::Name, value);
    }
    all
}

struct Names<'a> {
    snapshot: &'a Snapshot,
    list: Vec<(Kind, String)>,
}

impl<'a> Names<'a> {
    fn add(&mut self, kind: Kind, name: &str) {
        self.list.push((kind, name.to_owned()));
    }

    fn text(&mut self, kind: Kind, name: &Untrusted) {
        // As it is shown, too: what is not printable is shown otherwise.
        self.add(kind, name.raw());
        let shown = name.show().to_string();
        self.add(kind, &shown);
    }

    fn texts<'t>(&mut self, kind: Kind, names: impl IntoIterator<Item = &'t Untrusted>) {
        for name in names {
            self.text(kind, name);
        }
    }

    /// What is known of the questions of one kind.
    fn known<Q: Listed + 'a>(&self) -> Vec<(&'a Q, &'a Q::Answer)> {
        let asked = self.snapshot.facts.of_kind::<Q>();
        let known =
            asked.filter_map(|q| Some((q, self.snapshot.facts.get(q).and_then(Fact::known)?)));
        known.collect()
    }

    fn host(&mut self, url: &url::Url) {
        if let Some(host) = url.domain() {
            self.add(Kind::Host, host);
        }
    }

    fn of_farms(&mut self) {
        for (_, list) in self.known::<FarmList>() {
            self.texts(Kind::Farm, list.iter().map(|f| &f.name));
        }
        for (_, list) in self.known::<QueueList>() {
            self.texts(Kind::Queue, list.iter().map(|q| &q.name));
        }
        for (_, farm) in self.known::<FarmDetails>() {
            self.text(Kind::Farm, &farm.name);
        }
        for (_, queue) in self.known::<QueueDetails>() {
            self.text(Kind::Queue, &queue.name);
            if let Some(bucket) = &queue.attachments_bucket {
                self.text(Kind::Bucket, bucket);
            }
        }
        for (_, fleet) in self.known::<FleetDetails>() {
            self.text(Kind::Fleet, &fleet.name);
        }
        for (_, list) in self.known::<QueueEnvironments>() {
            for environment in list.iter().filter_map(Fact::known) {
                self.text(Kind::Name, &environment.name);
            }
        }
        for (_, environment) in self.known::<EnvironmentText>() {
            self.text(Kind::Name, &environment.name);
        }
        for (_, profile) in self.known::<StorageProfile>() {
            self.text(Kind::Name, &profile.name);
            for location in &profile.locations {
                self.text(Kind::Name, &location.name);
                self.text(Kind::Path, &location.path);
            }
        }
    }

    fn of_roles(&mut self) {
        for (_, caller) in self.known::<CallerIdentity>() {
            // The user's name, or a role's session.
            let arn = caller.arn.raw();
            for part in arn
                .rsplit(':')
                .next()
                .unwrap_or_default()
                .split('/')
                .skip(1)
            {
                self.add(Kind::User, part);
            }
        }
        for (_, role) in self.known::<RoleDocuments>() {
            for name in role.inline.keys() {
                self.add(Kind::Name, name);
            }
        }
        for question in self.snapshot.facts.of_kind::<RoleDocuments>() {
            self.add(Kind::Role, question.0.name());
        }
        for question in self.snapshot.facts.of_kind::<SecretDetails>() {
            self.add(Kind::Secret, question.0.name());
        }
    }

    fn of_ayon(&mut self) {
        for (question, bundles) in self.known::<AyonBundles>() {
            self.host(&question.0);
            let own = [&bundles.production, &bundles.staging];
            for bundle in own.into_iter().flatten() {
                self.text(Kind::Bundle, &bundle.name);
                self.texts(Kind::Name, bundle.packages.values());
            }
            for name in bundles.others.keys() {
                self.add(Kind::Bundle, name);
            }
            for (name, dev) in &bundles.devs {
                self.add(Kind::Bundle, name);
                self.texts(Kind::User, &dev.user);
            }
        }
        for (_, projects) in self.known::<AyonProjects>() {
            for project in &projects.read {
                self.text(Kind::Project, &project.name);
                for (root, paths) in &project.roots {
                    self.add(Kind::Name, root);
                    for path in paths.values() {
                        self.add(Kind::Path, path);
                    }
                }
            }
        }
        let seen = self.snapshot.observations.of::<AyonKey>().values();
        let owners: Vec<&Untrusted> = seen
            .filter_map(|o| match &o.seen {
                Ok(KeySeen::Owner { user, .. }) => Some(user),
                _ => None,
            })
            .collect();
        self.texts(Kind::User, owners);
    }

    fn of_network(&mut self) {
        for (_, node) in self.known::<NodeDetails>() {
            self.texts(Kind::Name, &node.name);
        }
        let configurations = self
            .known::<LatticeConfiguration>()
            .into_iter()
            .map(|(_, c)| c);
        let listed = self.known::<LatticeConfigurations>().into_iter();
        let listed = listed.flat_map(|(_, all)| all.iter().map(|(_, c)| c));
        for it in configurations.chain(listed).collect::<Vec<_>>() {
            self.text(Kind::Name, &it.name);
            if let Target::Name(name) = &it.target {
                self.text(Kind::Host, name);
            }
        }
        let gateways = self.known::<LatticeGateway>().into_iter().map(|(_, g)| g);
        let listed = self.known::<LatticeGateways>().into_iter();
        let listed = listed.flat_map(|(_, all)| all.iter().map(|(_, g)| g));
        for it in gateways.chain(listed).collect::<Vec<_>>() {
            self.text(Kind::Name, &it.name);
        }
        let shares = self
            .known::<LatticeShares>()
            .into_iter()
            .flat_map(|(_, s)| s);
        let named = self.known::<NamedShares>().into_iter().flat_map(|(_, s)| s);
        for share in shares.chain(named).collect::<Vec<_>>() {
            self.text(Kind::Name, &share.name);
        }
        for (_, network) in self.known::<VpcNetwork>() {
            for name in network.subnets.iter().filter_map(|s| s.name.as_ref()) {
                self.text(Kind::Name, name);
            }
            self.texts(Kind::Name, network.groups.iter().map(|g| &g.name));
        }
        for (_, interfaces) in self.known::<AddressOwner>() {
            self.texts(Kind::Name, interfaces.iter().map(|i| &i.description));
        }
        for (_, vpns) in self.known::<VpnConnections>() {
            for name in vpns.iter().filter_map(|v| v.name.as_ref()) {
                self.text(Kind::Name, name);
            }
        }
        for (question, there) in self.known::<VpcName>() {
            self.add(Kind::Host, &question.name);
            self.texts(Kind::Host, there.rules.iter().map(|r| &r.domain));
            self.texts(Kind::Host, there.zones.iter().map(|z| &z.domain));
        }
    }
}
