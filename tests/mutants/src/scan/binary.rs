//! The mutants of an expression with a binary operator.

use super::{Scan, bytes};
use crate::operators::{Form, swap};
use crate::site::Edit;
use syn::Expr;

/// Whether the value binds names by `let`, which must stay at the top of a condition.
pub fn has_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        _ => false,
    }
}

impl Scan<'_> {
    pub fn binary(&mut self, binary: &syn::ExprBinary) {
        let Some((form, op, others)) = swap(&binary.op) else {
            return;
        };
        if form == Form::Lazy && (has_let(&binary.left) || has_let(&binary.right)) {
            return;
        }
        let (whole, token) = (bytes(binary), bytes(&binary.op));
        let ways = |left: &str, right: &str| -> String {
            let switched = others.iter().enumerate();
            let switched =
                switched.map(|(i, other)| format!("if @{i} {{ {left} {other} {right} }} else "));
            format!("{}{{ {left} {op} {right} }}", switched.collect::<String>())
        };
        let edits = match form {
            Form::Arithmetic => vec![
                Edit::open(whole.start, "(match ("),
                Edit::replace(token, ","),
                Edit::close(
                    whole.end,
                    format!(") {{ (l__, r__) => {} }})", ways("l__", "r__")),
                ),
            ],
            Form::Comparison => vec![
                Edit::open(whole.start, "(match (&("),
                Edit::replace(token, "), &("),
                Edit::close(
                    whole.end,
                    format!(")) {{ (l__, r__) => {} }})", ways("l__", "r__")),
                ),
            ],
            // `&&` evaluates the second operand if the first is true, `||` if it is false.
            Form::Lazy => vec![
                Edit::open(whole.start, "({ let l__ = "),
                Edit::replace(
                    token,
                    format!("; if l__ {} @0 {{", if op == "&&" { "!=" } else { "==" }),
                ),
                Edit::close(whole.end, "} else { l__ } })"),
            ],
            Form::Assignment => {
                let place = self.text(bytes(&*binary.left));
                vec![
                    Edit::replace(whole.start..bytes(&*binary.right).start, "(match "),
                    Edit::close(whole.end, format!(" {{ r__ => {} }})", ways(&place, "r__"))),
                ]
            }
        };
        let mutated = others.iter().map(|other| (*other).to_owned()).collect();
        self.add(&format!("replace {op}"), binary, mutated, edits);
    }
}
