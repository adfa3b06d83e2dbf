//! Pure. A row of a list of system calls: which, when, and why.

#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// This argument is this.
    Is(u8, u64),
    /// These bits of this argument are this.
    Bits(u8, u64, u64),
    /// This argument is this process's number.
    IsSelf(u8),
}

#[derive(Clone, Copy, Debug)]
pub enum Answer {
    Always,
    /// Where one of these rows of checks holds; else as if not on the list.
    When(&'static [&'static [Check]]),
    /// Not done, and told so with this error number.
    Error(i32),
}

#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub name: &'static str,
    pub number: i64,
    pub answer: Answer,
    pub why: &'static str,
}

impl Call {
    pub fn error(&self) -> Option<i32> {
        match self.answer {
            Answer::Error(number) => Some(number),
            Answer::Always | Answer::When(_) => None,
        }
    }
}

/// `calls! { LIST: SYS_read Always, "why"; … }`; the numbers are those of `c`, which is `libc`.
#[macro_export]
macro_rules! calls {
    ($list:ident: $($number:ident $answer:expr, $why:literal;)*) => {
        pub const $list: &[$crate::call::Call] = &[$($crate::call::Call {
            name: stringify!($number),
            number: c::$number,
            answer: $answer,
            why: $why,
        }),*];
    };
}
