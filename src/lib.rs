//! studiolink: see ARCHITECTURE.md for the map of this house.

pub mod checks;
pub mod cli;
pub mod connections;
pub mod derived;
pub mod domain;
pub mod engine;
pub mod goals;
pub mod probes;
pub mod questions;
pub mod resources;
pub mod ui;
pub mod world;
