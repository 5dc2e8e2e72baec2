//! The nouns and rules of Claviger, pure.
