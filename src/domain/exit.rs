//! Exit codes, the same for every command.

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Clean,
    Problem,
    Usage,
    NotChecked,
    Failed,
    Pending,
    Interrupted,
}

impl Exit {
    /// As they are listed.
    pub const ALL: [Self; 7] = [
        Self::Clean,
        Self::Problem,
        Self::Usage,
        Self::NotChecked,
        Self::Failed,
        Self::Pending,
        Self::Interrupted,
    ];

    /// When several apply, the first of these counts.
    const PRECEDENCE: [Self; 7] = [
        Self::Interrupted,
        Self::Failed,
        Self::Usage,
        Self::Problem,
        Self::NotChecked,
        Self::Pending,
        Self::Clean,
    ];

    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Problem => 1,
            Self::Usage => 2,
            Self::NotChecked => 3,
            Self::Failed => 4,
            Self::Pending => 10,
            Self::Interrupted => 130,
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Clean => "clean, or nothing to do",
            Self::Problem => "a problem was found, remains, or was held back",
            Self::Usage => "usage or wrong input, such as an unknown queue",
            Self::NotChecked => "could not check everything",
            Self::Failed => "the command itself failed",
            Self::Pending => "changes are pending (plan)",
            Self::Interrupted => "interrupted",
        }
    }

    /// Of several, the one that counts.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let counts = |e: &Self| *e == self || *e == other;
        let first = Self::PRECEDENCE.into_iter().find(counts);
        first.unwrap_or(self)
    }

    #[must_use]
    pub fn and_if(self, condition: bool, other: Self) -> Self {
        if condition { self.and(other) } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_table() {
        let by_code = |codes: &[u8]| -> u8 {
            let of = |c: &u8| Exit::ALL.into_iter().find(|e| e.code() == *c).unwrap();
            let all = codes.iter().map(of);
            all.fold(Exit::Clean, Exit::and).code()
        };
        assert_eq!(by_code(&[10, 3, 1, 2, 4, 130]), 130);
        assert_eq!(by_code(&[10, 3, 1, 2, 4]), 4);
        assert_eq!(by_code(&[10, 3, 1, 2]), 2);
        assert_eq!(by_code(&[10, 3, 1]), 1);
        assert_eq!(by_code(&[10, 3]), 3);
        assert_eq!(by_code(&[10, 0]), 10);
        assert_eq!(by_code(&[]), 0);
    }
}
