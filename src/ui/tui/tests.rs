//! Screens of every step.
