//! Members are JSON of their own, and a line is one line.
#![no_main]

use groundhog_json::{Kind, kind, line_len, members, write_line};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let Ok(found) = kind(text) else {
        assert!(members(text).is_err());
        return;
    };
    if let Ok(Some(members)) = members(text) {
        assert_eq!(found == Kind::Failure, members.len() == 1 && members[0].0 == "error");
        assert!(members.into_iter().all(|(_, place)| kind(&text[place]).is_ok()));
    }
    let mut line = vec![0; line_len(text).unwrap_or(text.len())];
    write_line(text, &mut line);
    assert_eq!(line_len(&line), None);
    assert_eq!(kind(&line), Ok(found));
});
