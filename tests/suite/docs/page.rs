//! A Markdown page: where it links to, what can be linked to, and its code.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What refers to something, each with the number of its line.
pub struct Page {
    /// From the repository's root.
    pub path: PathBuf,
    /// Where links and images lead.
    pub links: Vec<(usize, String)>,
    /// Code spans, and the lines of shell blocks.
    pub code: Vec<(usize, String)>,
    /// What can follow a `#`: headings, and ids in HTML.
    pub anchors: BTreeSet<String>,
}

impl Page {
    /// Reads the page's text.
    pub fn new(path: PathBuf, text: &str) -> Self {
        let mut page = Page {
            path,
            links: Vec::new(),
            code: Vec::new(),
            anchors: BTreeSet::new(),
        };
        let mut heading: Option<String> = None;
        let mut headings = BTreeMap::new();
        let mut is_shell = false;
        for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
            let line = 1 + text[..range.start].matches('\n').count();
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let slug = slug(&heading.take().unwrap_or_default());
                    let before: &mut usize = headings.entry(slug.clone()).or_default();
                    page.anchors.insert(match *before {
                        0 => slug,
                        before => format!("{slug}-{before}"),
                    });
                    *before += 1;
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push((line, dest_url.into_string()));
                }
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                    is_shell = &*language == "sh";
                }
                Event::End(TagEnd::CodeBlock) => is_shell = false,
                Event::Code(code) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&code);
                    }
                    page.code.push((line, code.into_string()));
                }
                Event::Text(text) if is_shell => {
                    let lines = text.lines().zip(line..);
                    page.code
                        .extend(lines.map(|(code, line)| (line, code.to_owned())));
                }
                Event::Text(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                Event::Html(html) | Event::InlineHtml(html) => {
                    page.anchors.extend(id(&html).map(str::to_owned));
                }
                _ => {}
            }
        }
        page
    }

    /// What its links are relative to.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }
}

/// The name that GitHub gives to a heading.
fn slug(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.flat_map(char::to_lowercase)
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// The id of an HTML tag.
fn id(html: &str) -> Option<&str> {
    let (_, rest) = html.split_once(" id=\"")?;
    Some(rest.split_once('"')?.0)
}
