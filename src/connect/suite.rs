//! What every connector must do.
