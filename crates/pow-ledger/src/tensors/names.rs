//! Many names in little memory, to find two that are equal.

/// A list of names. It takes the bytes of the names, and four bytes for each.
#[derive(Debug, Default)]
pub(crate) struct Names {
    text: String,
    /// Where each name ends in `text`. A header of at most 100,000,000 bytes has its names.
    ends: Vec<u32>,
}

impl Names {
    /// Adds a name. False if there are too many bytes to count.
    #[must_use]
    pub(crate) fn push(&mut self, name: &str) -> bool {
        let end = self.text.len().checked_add(name.len());
        let Some(end) = end.and_then(|end| u32::try_from(end).ok()) else {
            return false;
        };
        reserve(&mut self.ends);
        self.text.push_str(name);
        self.ends.push(end);
        true
    }

    /// A name that is there twice.
    pub(crate) fn twice(self) -> Option<String> {
        let mut names: Vec<(u32, u32)> = Vec::with_capacity(self.ends.len());
        let mut start = 0;
        for end in self.ends {
            names.push((start, end));
            start = end;
        }
        let name = |(start, end): (u32, u32)| &self.text[start as usize..end as usize];
        names.sort_unstable_by(|a, b| name(*a).cmp(name(*b)));
        let twice = names.windows(2).find(|pair| name(pair[0]) == name(pair[1]));
        twice.map(|pair| name(pair[0]).to_owned())
    }
}

/// Makes room for one more element. The room grows by an eighth, so little of it is ever
/// unused: `Vec` alone would double it.
pub(crate) fn reserve<T>(list: &mut Vec<T>) {
    if list.len() == list.capacity() {
        list.reserve_exact(list.len() / 8 + 8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twice(names: &[&str]) -> Option<String> {
        let mut all = Names::default();
        assert!(names.iter().all(|name| all.push(name)));
        all.twice()
    }

    #[test]
    fn equal_names_are_found_wherever_they_are() {
        assert_eq!(twice(&[]), None);
        assert_eq!(twice(&["ab", "a", "b", "", "abc"]), None);
        assert_eq!(twice(&["a", "b", "c", "a"]), Some("a".into()));
        assert_eq!(twice(&["", "b", ""]), Some("".into()));
    }
}
