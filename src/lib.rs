//! studiolink: see ARCHITECTURE.md for the map of this house.

pub mod checks;
pub mod cli;
pub mod domain;
pub mod engine;
pub mod paths;
pub mod ui;
pub mod world;
