//! The places where a setting of the `deadline_cloud` addon may stand: the studio's in each variant, and those of the projects
//! that say something else. The value that wins is looked for where it stands.

use url::Url;

use crate::domain::addon::{AddonAt, AddonField, AddonSettings as Settings};
use crate::domain::ayon::{Bundles, Project, Variant};
use crate::domain::fact::Fact;
use crate::domain::finding::{Evidence, Fix};
use crate::domain::text::{Printable, Untrusted};
use crate::questions::{AddonOwn, AddonSettings, AyonBundles, AyonProjects, ProjectAddon, View};

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
    /// The projects of which every setting is as the studio's, by variant.
    pub same: Vec<AddonPlace<'a>>,
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

/// A bundle of the project's own that takes the addon from the studio's bundle says so in place of a version.
const INHERITED: &str = "__inherit__";
const DISABLED: &str = "__disable__";

/// Which version of the addon a project has in a variant.
enum OfProject {
    Studio,
    /// In this bundle of its own.
    Own(Printable, String),
    /// It has none there, and so submits nothing.
    Nothing,
}

fn of_project(project: &Project, bundles: &Bundles, variant: Variant) -> OfProject {
    let Some(name) = project.bundles.get(&variant) else {
        return OfProject::Studio;
    };
    match bundles.others.get(name.raw()).map(Untrusted::raw) {
        Some(INHERITED) => OfProject::Studio,
        None | Some(DISABLED) => OfProject::Nothing,
        Some(version) => OfProject::Own(name.show(), version.to_owned()),
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
        let projects: Vec<_> = projects
            .filter_map(|p| of(view, &studio, p, bundles))
            .collect();
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
        for (place, fact, question) in projects {
            match fact {
                Fact::Known(own) => {
                    let list = if own == settings {
                        &mut all.same
                    } else {
                        &mut all.read
                    };
                    list.push(AddonPlace {
                        at: place.0,
                        frozen: place.1,
                        settings: own,
                        evidence: view.evidence(&question),
                    });
                }
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
) -> Option<OfView<'a>> {
    let (frozen, version) = match of_project(project, bundles, studio.variant) {
        OfProject::Studio => (None, studio.version.clone()),
        OfProject::Own(bundle, version) => (Some(bundle), version),
        OfProject::Nothing => return None,
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
    Some(((at, frozen), fact, question))
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
    format!(
        "in AYON, settings of {at}, paste into {}: {value}",
        field.word()
    )
}
