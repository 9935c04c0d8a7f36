//! What a program prints and logs: read from its files, kept in journals, sent to the controller.

pub mod console;
pub mod doubts;
pub mod journal;
pub mod shipper;
pub mod tail;
