//! Lists the files of the schema, one per change, in the order in which they apply.

/// The statements of each change. Their number is the version of the schema.
pub(in crate::store) const SCHEMA: &[&str] = &[
    include_str!("../schema/001.sql"),
    include_str!("../schema/002.sql"),
    include_str!("../schema/003.sql"),
    include_str!("../schema/004.sql"),
    include_str!("../schema/005.sql"),
    include_str!("../schema/006.sql"),
    include_str!("../schema/007.sql"),
    include_str!("../schema/008.sql"),
    include_str!("../schema/009.sql"),
    include_str!("../schema/010.sql"),
    include_str!("../schema/011.sql"),
    include_str!("../schema/012.sql"),
    include_str!("../schema/013.sql"),
    include_str!("../schema/014.sql"),
    include_str!("../schema/015.sql"),
    include_str!("../schema/016.sql"),
    include_str!("../schema/017.sql"),
    include_str!("../schema/018.sql"),
    include_str!("../schema/019.sql"),
    include_str!("../schema/020.sql"),
    include_str!("../schema/021.sql"),
    include_str!("../schema/022.sql"),
    include_str!("../schema/023.sql"),
    include_str!("../schema/024.sql"),
];
