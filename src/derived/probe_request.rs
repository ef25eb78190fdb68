//! What a probe job asks for: the workers of which systems, and the packages and channels that AYON's own jobs would name.

use serde_json::{Value, json};

use super::addon_settings::{Addon, addon};
use super::conda_environment::conda_environments;
use super::connections::publishing;
use super::worker_reading::rests_on;
use crate::domain::addon::AddonSettings as Settings;
use crate::domain::ayon::Variant;
use crate::domain::farm::{Fleet, OperatingSystem};
use crate::domain::ids::{FleetId, FleetKey, QueueKey};
use crate::domain::probe_job::{PARAMETER, PRIORITY, template};
use crate::domain::probe_run::ProbeMark;
use crate::questions::{Part, View};

/// So many fleets of a probe are written down at most.
const FLEETS: usize = 10;

/// One probe of a queue: one job reaches one worker, of any of these fleets.
pub struct ProbeRequest<'a> {
    pub queue: QueueKey,
    pub os: OperatingSystem,
    pub fleets: Vec<(FleetKey, &'a Fleet)>,
}

/// The addon's settings in a variant, where they are known.
fn settings<'a>(view: &View<'a>, variant: Variant) -> Option<&'a Settings> {
    match addon(view, variant) {
        Addon::Read(settings) => Some(settings),
        _ => None,
    }
}

/// By queue and operating system of the fleets that publish; of one fleet alone where it is named.
pub fn probe_requests<'a>(view: &View<'a>, only: Option<&FleetId>) -> Vec<ProbeRequest<'a>> {
    let mut all: Vec<ProbeRequest> = Vec::new();
    for queue in &view.config(Part::Queues).queues {
        for (key, fleet) in publishing(view, queue) {
            if only.is_some_and(|only| *only != key.fleet) {
                continue;
            }
            let same = |r: &&mut ProbeRequest| r.queue == *queue && r.os == fleet.os;
            match all.iter_mut().find(same) {
                Some(request) => request.fleets.push((key, fleet)),
                None => all.push(ProbeRequest {
                    queue: queue.clone(),
                    os: fleet.os.clone(),
                    fleets: vec![(key, fleet)],
                }),
            }
        }
    }
    all
}

impl ProbeRequest<'_> {
    /// The value of the job's own parameter.
    pub fn mark(&self, view: &View, id: String, variant: Variant, conda: bool) -> ProbeMark {
        let mut rests_on = rests_on(view, &self.queue, variant);
        // A parameter holds 1,024 characters; the job runs on one of these.
        let own: Vec<String> = self
            .fleets
            .iter()
            .take(FLEETS)
            .map(|(k, _)| ProbeMark::fleet(&k.fleet))
            .collect();
        rests_on.retain(|name, _| !ProbeMark::is_fleet(name) || own.contains(name));
        ProbeMark {
            id,
            variant,
            conda,
            rests_on,
        }
    }

    /// The body of CreateJob, with the template as a value. `conda`: with the packages of a publish job.
    pub fn text(&self, view: &View, mark: &ProbeMark) -> String {
        let (variant, conda) = (mark.variant, mark.conda);
        let config = view.config(Part::WorkerAttributes);
        // The addon's own word is what its publish steps ask for.
        let theirs = settings(view, variant).and_then(|s| s.publish_roles.as_ref());
        let theirs = theirs.filter(|roles| !roles.is_empty());
        let roles: Vec<String> = match theirs {
            Some(roles) => roles.iter().map(|r| r.raw().to_owned()).collect(),
            None => config.worker_attributes.publish.clone(),
        };
        let mut parameters = json!({ PARAMETER: { "string": mark.to_string() } });
        let given = self.packages(view, variant, conda);
        let asked = given.iter().find(|(name, _)| *name == "CondaPackages");
        let asked = match asked {
            Some((_, list)) => list.clone(),
            None => self.default_packages(view),
        };
        for (name, value) in given {
            parameters[name] = json!({ "string": value });
        }
        let text: Value = json!({
            "priority": PRIORITY,
            "targetTaskRunStatus": "READY",
            "maxFailedTasksCount": 0,
            "maxRetriesPerTask": 0,
            "maxWorkerCount": 1,
            "tags": { "studiolink": "probe" },
            "parameters": parameters,
            "template": template(&self.os, &roles, variant, &asked),
        });
        text.to_string()
    }

    /// What the queue's conda environment installs for a job that names no packages.
    fn default_packages(&self, view: &View) -> String {
        let environments = conda_environments(view, &self.queue);
        let mut own = environments.iter();
        let default = own.find_map(|(_, t)| t.packages.as_ref()?.as_deref().map(str::to_owned));
        default.unwrap_or_default()
    }

    /// What AYON's addon would put into its jobs, where the queue's conda environment knows the parameter.
    fn packages(&self, view: &View, variant: Variant, conda: bool) -> Vec<(&'static str, String)> {
        let environments = conda_environments(view, &self.queue);
        let defines_packages = environments.iter().any(|(_, t)| t.packages.is_some());
        let defines_channels = environments.iter().any(|(_, t)| t.channels.is_some());
        if !conda {
            // Every conda environment of AWS's samples makes none of no packages.
            let none = ("CondaPackages", String::new());
            return Some(none)
                .filter(|_| defines_packages)
                .into_iter()
                .collect();
        }
        let Some(settings) = settings(view, variant) else {
            return Vec::new();
        };
        let packages = settings.packages_in_jobs().filter(|_| defines_packages);
        let channels = settings.channels_in_jobs().filter(|_| defines_channels);
        let named = [("CondaPackages", packages), ("CondaChannels", channels)];
        named
            .into_iter()
            .filter_map(|(name, told)| Some((name, told?.1)))
            .collect()
    }
}
