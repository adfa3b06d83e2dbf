//! Task. REC-1 to REC-4: cameras as people reported them ([`quirks`]), several dozen in one box at once.
mod quirks;
