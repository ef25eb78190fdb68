//! What a publish job's CondaPackages should be: the studio's strategy and pin, and the bundle that the pin follows.

use url::Url;

use crate::domain::ayon::{Bundle, Variant};
use crate::domain::config::{NOWHERE, Pin, StudioConfig};
use crate::domain::package::packages;
use crate::questions::{AyonBundles, Part, View};

/// The AYON server, where one is named.
pub fn server(view: &View) -> Option<Url> {
    let url = &view.config(Part::Server).server.url;
    is_named(url).then(|| url.clone())
}

/// The address that stands for a server while none is given is not one.
pub fn is_named(url: &Url) -> bool {
    url.as_str().trim_end_matches('/') != NOWHERE
}

/// The variant whose bundle the pin follows; production, where it follows none.
pub fn variant(config: &StudioConfig) -> Variant {
    if config.pin == Pin::StagingBundle {
        Variant::Staging
    } else {
        Variant::Production
    }
}

pub fn bundle<'a>(view: &View<'a>) -> Option<&'a Bundle> {
    let bundles = view.fact(&AyonBundles(server(view)?)).known()?;
    bundles.of(variant(view.config(Part::Packages)))
}

/// The packages, or what is missing to name them.
pub fn job_packages(view: &View) -> Result<Vec<String>, String> {
    let config = view.config(Part::Packages);
    let follows = matches!(config.pin, Pin::ProductionBundle | Pin::StagingBundle);
    let bundle = if follows { bundle(view) } else { None };
    packages(config.strategy, &config.pin, bundle)
}

/// The same for the jobs of one variant, whose bundle the pin may follow.
pub fn job_packages_of(view: &View, of: Variant) -> Result<Vec<String>, String> {
    let config = view.config(Part::Packages);
    let bundles = server(view).and_then(|url| view.fact(&AyonBundles(url)).known());
    let follows = matches!(config.pin, Pin::ProductionBundle | Pin::StagingBundle);
    let bundle = bundles.and_then(|b| b.of(of)).filter(|_| follows);
    packages(config.strategy, &config.pin, bundle)
}

/// Is the bundle that the pin follows still on its way?
pub fn is_pending(view: &View) -> bool {
    let config = view.config(Part::Packages);
    let follows = matches!(config.pin, Pin::ProductionBundle | Pin::StagingBundle);
    let pending = |url| view.fact(&AyonBundles(url)).is_pending();
    follows && server(view).is_some_and(pending)
}
