//! What stands instead of an operator, or of a function's body.

use syn::{BinOp, GenericArgument, PathArguments, ReturnType, Type};

/// How a binary operator is switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Takes its operands by value.
    Arithmetic,
    /// Takes its operands by reference.
    Comparison,
    /// Does not always evaluate the second operand.
    Lazy,
    /// Changes its first operand.
    Assignment,
}

/// The form of an operator, the operator, and what stands for it.
pub type Swap = (Form, &'static str, &'static [&'static str]);

/// What stands for an operator.
pub fn swap(op: &BinOp) -> Option<Swap> {
    use Form::{Arithmetic, Assignment, Comparison, Lazy};
    Some(match op {
        BinOp::Add(_) => (Arithmetic, "+", &["-"]),
        BinOp::Sub(_) => (Arithmetic, "-", &["+"]),
        BinOp::Mul(_) => (Arithmetic, "*", &["/"]),
        BinOp::Div(_) => (Arithmetic, "/", &["*"]),
        BinOp::Rem(_) => (Arithmetic, "%", &["/"]),
        BinOp::BitAnd(_) => (Arithmetic, "&", &["|"]),
        BinOp::BitOr(_) => (Arithmetic, "|", &["&"]),
        BinOp::BitXor(_) => (Arithmetic, "^", &["|"]),
        BinOp::Shl(_) => (Arithmetic, "<<", &[">>"]),
        BinOp::Shr(_) => (Arithmetic, ">>", &["<<"]),
        BinOp::Eq(_) => (Comparison, "==", &["!="]),
        BinOp::Ne(_) => (Comparison, "!=", &["=="]),
        BinOp::Lt(_) => (Comparison, "<", &["<=", ">"]),
        BinOp::Le(_) => (Comparison, "<=", &["<", ">"]),
        BinOp::Gt(_) => (Comparison, ">", &[">=", "<"]),
        BinOp::Ge(_) => (Comparison, ">=", &[">", "<"]),
        BinOp::And(_) => (Lazy, "&&", &["||"]),
        BinOp::Or(_) => (Lazy, "||", &["&&"]),
        BinOp::AddAssign(_) => (Assignment, "+=", &["-="]),
        BinOp::SubAssign(_) => (Assignment, "-=", &["+="]),
        BinOp::MulAssign(_) => (Assignment, "*=", &["/="]),
        BinOp::DivAssign(_) => (Assignment, "/=", &["*="]),
        BinOp::BitAndAssign(_) => (Assignment, "&=", &["|="]),
        BinOp::BitOrAssign(_) => (Assignment, "|=", &["&="]),
        BinOp::BitXorAssign(_) => (Assignment, "^=", &["|="]),
        BinOp::ShlAssign(_) => (Assignment, "<<=", &[">>="]),
        BinOp::ShrAssign(_) => (Assignment, ">>=", &["<<="]),
        _ => return None,
    })
}

/// The values that a function of this return type may return at once.
pub fn values(output: &ReturnType) -> Vec<String> {
    match output {
        ReturnType::Default => vec!["()".into()],
        ReturnType::Type(_, ty) => values_of(ty),
    }
}

fn values_of(ty: &Type) -> Vec<String> {
    let path = match ty {
        Type::Tuple(tuple) if tuple.elems.is_empty() => return vec!["()".into()],
        Type::Path(path) => &path.path,
        _ => return Vec::new(),
    };
    let Some(last) = path.segments.last() else {
        return Vec::new();
    };
    let first_type = || match &last.arguments {
        PathArguments::AngleBracketed(list) => {
            list.args.iter().find_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(values_of(ty)),
                _ => None,
            })
        }
        _ => None,
    };
    let within = |name: &str, values: Vec<String>| -> Vec<String> {
        values
            .iter()
            .map(|value| format!("{name}({value})"))
            .collect()
    };
    match last.ident.to_string().as_str() {
        "bool" => vec!["true".into(), "false".into()],
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => vec!["0".into(), "1".into()],
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => {
            vec!["0".into(), "1".into(), "-1".into()]
        }
        "String" | "Vec" => vec!["Default::default()".into()],
        "Option" => {
            let some = within("Some", first_type().unwrap_or_default());
            std::iter::once("None".into()).chain(some).collect()
        }
        // `fmt::Result` has no arguments.
        "Result" => within("Ok", first_type().unwrap_or_else(|| vec!["()".into()])),
        _ => Vec::new(),
    }
}
