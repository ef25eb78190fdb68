//! The places where a setting of the `deadline_cloud` addon may stand: the studio's in each variant, and each project's on top of
//! it. The value that wins is looked for where it stands.

use url::Url;

use crate::domain::addon::{AddonAt, AddonField, AddonSettings as Settings};
use crate::domain::ayon::{Bundles, INHERITED, Project, Variant};
use crate::domain::channel::{Channel, is_same_place, merged, split};
use crate::domain::fact::Fact;
use crate::domain::finding::{Evidence, Fix};
use crate::domain::text::{Printable, without_url_secrets};
use crate::questions::{
    AddonOwn, AddonSettings, AyonBundles, AyonProjects, Part, ProjectAddon, View,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddonPlace<'a> {
    pub at: AddonAt,
    /// The project's own bundle, with which these settings are frozen.
    pub frozen: Option<Printable>,
    pub settings: &'a Settings,
    pub evidence: Evidence,
}

impl AddonPlace<'_> {
    /// Where in AYON it stands, as people find it.
    pub fn words(&self) -> String {
        self.at.words()
    }

    pub fn is_studio(&self) -> bool {
        self.at.project.is_none()
    }
}

#[derive(Debug, Default)]
pub struct AddonPlaces<'a> {
    pub read: Vec<AddonPlace<'a>>,
    /// How many settings of projects could not be read, and why the first was not.
    pub unread: Option<(usize, String)>,
}

impl<'a> AddonPlaces<'a> {
    /// The studio's own settings, without the projects'.
    pub fn of_studio(&self) -> impl Iterator<Item = &AddonPlace<'a>> {
        self.read.iter().filter(|p| p.is_studio())
    }

    /// The studio's settings below a place.
    pub fn below(&self, place: &AddonPlace) -> Option<&AddonPlace<'a>> {
        let mut studio = self.of_studio();
        studio.find(|s| s.at.variant == place.at.variant)
    }

    /// The places that say something of their own: each of the studio's, and of the projects' those of which `of` tells
    /// something else than of the studio's.
    pub fn telling<T: PartialEq>(
        &self,
        of: impl Fn(&Settings) -> T,
    ) -> impl Iterator<Item = &AddonPlace<'a>> {
        self.read.iter().filter(move |place| {
            let below = self.below(place);
            let same = below.is_some_and(|b| of(b.settings) == of(place.settings));
            place.is_studio() || !same
        })
    }
}

const DISABLED: &str = "__disable__";

/// Which version of the addon a project has in a variant.
enum OfProject {
    Studio,
    /// In this bundle of its own.
    Own(Printable, String),
    /// It has none there, and so submits nothing.
    Nothing,
    /// Its own bundle is not among those that AYON lists.
    Unknown(Printable),
}

fn of_project(project: &Project, bundles: &Bundles, variant: Variant) -> OfProject {
    let Some(name) = project.bundles.get(&variant) else {
        return OfProject::Studio;
    };
    match bundles.others.get(name.raw()) {
        None => OfProject::Unknown(name.show()),
        Some(None) => OfProject::Nothing,
        Some(Some(version)) => match version.raw() {
            INHERITED => OfProject::Studio,
            DISABLED => OfProject::Nothing,
            version => OfProject::Own(name.show(), version.to_owned()),
        },
    }
}

pub fn addon_places<'a>(view: &View<'a>, url: &Url) -> AddonPlaces<'a> {
    let mut all = AddonPlaces::default();
    let Some(bundles) = view.fact(&AyonBundles(url.clone())).known() else {
        return all;
    };
    let projects = view.fact(&AyonProjects(url.clone())).known();
    for variant in Variant::ALL {
        let version = bundles.of(*variant).and_then(|b| b.addon.as_ref());
        let Some(version) = version.map(|v| v.raw().to_owned()) else {
            continue;
        };
        let studio = AddonAt {
            server: url.clone(),
            variant: *variant,
            version,
            project: None,
        };
        // All are asked for at once.
        let projects = projects.into_iter().flat_map(|p| &p.read);
        let mut asked = Vec::new();
        for project in projects {
            match of(view, &studio, project, bundles) {
                Ok(Some(of)) => asked.push(of),
                Ok(None) => {}
                Err(why) => all.unread.get_or_insert((0, why)).0 += 1,
            }
        }
        let question = AddonSettings(url.clone(), *variant, studio.version.clone());
        let Some(settings) = view.fact(&question).known() else {
            continue; // addon-channels says why
        };
        all.read.push(AddonPlace {
            at: studio,
            frozen: None,
            settings,
            evidence: view.evidence(&question),
        });
        for (place, fact, question) in asked {
            match fact {
                Fact::Known(own) => all.read.push(AddonPlace {
                    at: place.0,
                    frozen: place.1,
                    settings: own,
                    evidence: view.evidence(&question),
                }),
                unread => {
                    if let Some(why) = unread.why_unread() {
                        all.unread.get_or_insert((0, why)).0 += 1;
                    }
                }
            }
        }
    }
    all
}

type OfView<'a> = (
    (AddonAt, Option<Printable>),
    &'a Fact<Settings>,
    ProjectAddon,
);

fn of<'a>(
    view: &View<'a>,
    studio: &AddonAt,
    project: &Project,
    bundles: &Bundles,
) -> Result<Option<OfView<'a>>, String> {
    let (frozen, version) = match of_project(project, bundles, studio.variant) {
        OfProject::Studio => (None, studio.version.clone()),
        OfProject::Own(bundle, version) => (Some(bundle), version),
        OfProject::Nothing => return Ok(None),
        OfProject::Unknown(bundle) => {
            let project = project.name.show();
            return Err(format!(
                "AYON does not list bundle {bundle} of project {project}"
            ));
        }
    };
    let name = project.name.raw().to_owned();
    let question = ProjectAddon(
        studio.server.clone(),
        studio.variant,
        version.clone(),
        name.clone(),
    );
    let at = AddonAt {
        version,
        project: Some(name),
        ..studio.clone()
    };
    let fact = view.fact(&question);
    Ok(Some(((at, frozen), fact, question)))
}

/// What puts a setting right: setup, with a login that may; or what people do by hand.
pub fn fix(view: &View, place: &AddonPlace, by_setup: &str, by_hand: &str) -> Fix {
    if let Some(bundle) = &place.frozen {
        return format!(
            "{by_hand}: the project's own bundle {bundle} freezes its settings, so setup leaves them"
        )
        .into();
    }
    match view.fact(&AddonOwn(place.at.clone())) {
        Fact::Known(_) => Fix::setup(format!("{by_setup}; `studiolink plan` shows it")),
        fact => match fact.problem() {
            Some(problem) => format!(
                "this AYON login can't change it ({}); {by_hand}",
                problem.because
            )
            .into(),
            None => format!(
                "{by_hand}; or set AYON_ADMIN_KEY to your own AYON login and run studiolink setup"
            )
            .into(),
        },
    }
}

/// The line to paste where it stands.
pub fn by_hand(place: &AddonPlace, field: AddonField, value: &str) -> String {
    let at = place.at.settings_words();
    let value = without_url_secrets(value);
    match field.row() {
        Some(row) => format!(
            "in AYON, settings of {at}, {row} in {}: {value}",
            field.setting()
        ),
        None => format!(
            "in AYON, settings of {at}, paste into {}: {value}",
            field.word()
        ),
    }
}

/// The list of channels that the addon should have; `None`: it has it, or leaves the channels to the queue. What it names and the
/// studio file does not list stays, unless `leaves` says that it goes.
pub fn channels_wanted(
    view: &View,
    settings: &Settings,
    leaves: impl Fn(&str) -> bool,
) -> Option<(AddonField, String)> {
    let (field, own) = settings.channels_in_jobs()?;
    let own = split(&own);
    let channels = &view.config(Part::Channels).channels;
    let desired: Vec<&str> = channels.iter().map(Channel::as_str).collect();
    let mut wanted = merged(&own, &desired);
    let listed = |w: &str| desired.iter().any(|d| is_same_place(d, w));
    wanted.retain(|w| listed(w) || !leaves(w));
    (own != wanted).then(|| (field, wanted.join(" ")))
}
