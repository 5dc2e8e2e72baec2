//! SPDX licence expressions: whether the allowed licences satisfy one.
//!
//! Invariant: an expression that is not understood is not satisfied. Called by `deny` for every package.

/// Whether `allowed` licences suffice. Knows `AND`, `OR`, `WITH`, parentheses and the old `/` for `OR`.
pub(super) fn is_allowed(expression: &str, allowed: impl Fn(&str) -> bool) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut expression = Expression {
        rest: &words,
        allowed: &allowed,
    };
    expression.alternatives() == Some(true) && expression.rest.is_empty()
}

/// The words not yet read. Its methods give `None` where the words are no expression.
struct Expression<'w> {
    rest: &'w [&'w str],
    allowed: &'w dyn Fn(&str) -> bool,
}

impl<'w> Expression<'w> {
    /// `a OR b`.
    fn alternatives(&mut self) -> Option<bool> {
        let mut any = self.together()?;
        while self.skip("OR") {
            any |= self.together()?;
        }
        Some(any)
    }

    /// `a AND b`, which binds tighter.
    fn together(&mut self) -> Option<bool> {
        let mut all = self.single()?;
        while self.skip("AND") {
            all &= self.single()?;
        }
        Some(all)
    }

    /// One licence, with its exception if it has one, or an expression in parentheses.
    fn single(&mut self) -> Option<bool> {
        match self.next()? {
            "(" => {
                let inside = self.alternatives()?;
                self.skip(")").then_some(inside)
            }
            ")" | "AND" | "OR" | "WITH" => None,
            licence if self.skip("WITH") => {
                let exception = self.next()?;
                Some((self.allowed)(&format!("{licence} WITH {exception}")))
            }
            licence => Some((self.allowed)(licence)),
        }
    }

    fn next(&mut self) -> Option<&'w str> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn skip(&mut self, word: &str) -> bool {
        let found = self.rest.first() == Some(&word);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(expression: &str) -> bool {
        is_allowed(expression, |licence| {
            ["MIT", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"].contains(&licence)
        })
    }

    #[test]
    fn one_allowed_alternative_suffices() {
        assert!(allowed("MIT"));
        assert!(allowed("GPL-3.0 OR MIT"));
        assert!(allowed("Apache-2.0/MIT"));
        assert!(allowed("(GPL-3.0 OR MIT) AND Unicode-3.0"));
        assert!(allowed("Apache-2.0 WITH LLVM-exception OR Apache-2.0"));
    }

    #[test]
    fn everything_that_is_demanded_must_be_allowed() {
        assert!(!allowed("MIT AND GPL-3.0"));
        assert!(!allowed("GPL-3.0 OR MIT AND GPL-2.0"));
        assert!(!allowed("Apache-2.0"));
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in [
            "", "none", "MIT AND", "(MIT", "MIT)", "MIT MIT", "OR MIT", "MIT WITH",
        ] {
            assert!(!allowed(text), "{text}");
        }
    }
}
