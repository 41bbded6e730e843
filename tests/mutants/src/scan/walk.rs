//! Where the mutants of a file are.

use super::binary::has_let;
use super::{Scan, bytes};
use crate::operators::{Form, swap};
use crate::site::Edit;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, Expr, Stmt};

pub fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            let tokens = list.tokens.to_string();
            tokens == "test" || tokens == "doctest"
        }
        meta => meta.path().is_ident("test"),
    })
}

/// Whether a block only leaves: its last statement is a `return`, `continue` or `break`.
fn leaves(block: &Block) -> bool {
    matches!(
        block.stmts.last(),
        Some(Stmt::Expr(
            Expr::Return(_) | Expr::Continue(_) | Expr::Break(_),
            _
        ))
    )
}

impl<'ast> Visit<'ast> for Scan<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) {
            self.function(&item.sig, &item.block, |scan| {
                visit::visit_item_fn(scan, item)
            });
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test(&item.attrs) {
            self.function(&item.sig, &item.block, |scan| {
                visit::visit_impl_item_fn(scan, item)
            });
        }
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block, |scan| {
                visit::visit_trait_item_fn(scan, item)
            });
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if !is_test(&item.attrs) {
            let owner = self.text(bytes(&*item.self_ty));
            self.within(owner, |scan| visit::visit_item_impl(scan, item));
        }
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.within(item.ident.to_string(), |scan| {
            visit::visit_item_trait(scan, item)
        });
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.constant(|scan| visit::visit_item_const(scan, item));
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.constant(|scan| visit::visit_impl_item_const(scan, item));
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.constant(|scan| visit::visit_item_static(scan, item));
    }

    fn visit_expr_const(&mut self, item: &'ast syn::ExprConst) {
        self.constant(|scan| visit::visit_expr_const(scan, item));
    }

    fn visit_variant(&mut self, item: &'ast syn::Variant) {
        self.constant(|scan| visit::visit_variant(scan, item));
    }

    fn visit_type(&mut self, item: &'ast syn::Type) {
        self.constant(|scan| visit::visit_type(scan, item));
    }

    fn visit_pat(&mut self, item: &'ast syn::Pat) {
        self.constant(|scan| visit::visit_pat(scan, item));
    }

    fn visit_expr_repeat(&mut self, repeat: &'ast syn::ExprRepeat) {
        self.visit_expr(&repeat.expr);
        self.constant(|scan| scan.visit_expr(&repeat.len));
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        self.binary(binary);
        // The place on the left of an assignment is written out twice.
        if !matches!(swap(&binary.op), Some((Form::Assignment, ..))) {
            self.visit_expr(&binary.left);
        }
        self.visit_expr(&binary.right);
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        if let syn::UnOp::Not(not) = &unary.op {
            let (whole, token) = (bytes(unary), bytes(not));
            let edits = vec![
                Edit::replace(token, "(match "),
                Edit::close(whole.end, " { v__ => if @0 { v__ } else { !v__ } })"),
            ];
            let mutated = self.text(bytes(&*unary.expr));
            self.add("delete !", unary, vec![mutated], edits);
        }
        visit::visit_expr_unary(self, unary);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if let Some((_, guard)) = &arm.guard {
            let range = bytes(&**guard);
            let edits = vec![
                Edit::open(range.start, "(@0 || (!@1 && ("),
                Edit::close(range.end, ")))"),
            ];
            self.add(
                "replace guard",
                &**guard,
                vec!["true".into(), "false".into()],
                edits,
            );
        }
        visit::visit_arm(self, arm);
    }

    fn visit_expr_if(&mut self, item: &'ast syn::ExprIf) {
        if item.else_branch.is_none() && leaves(&item.then_branch) {
            let range = bytes(&*item.cond);
            let edits = if has_let(&item.cond) {
                vec![Edit::open(range.start, "!@0 && ")]
            } else {
                vec![
                    Edit::open(range.start, "!@0 && ("),
                    Edit::close(range.end, ")"),
                ]
            };
            self.add("delete check", &*item.cond, vec!["false".into()], edits);
        }
        visit::visit_expr_if(self, item);
    }

    fn visit_stmt(&mut self, stmt: &'ast Stmt) {
        if let Stmt::Expr(Expr::Try(_), Some(_)) = stmt {
            let range = bytes(stmt);
            let edits = vec![
                Edit::open(range.start, "if !@0 { "),
                Edit::close(range.end, " }"),
            ];
            self.add("delete statement", stmt, vec![String::new()], edits);
        }
        visit::visit_stmt(self, stmt);
    }
}
