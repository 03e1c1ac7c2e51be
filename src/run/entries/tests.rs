use super::*;

#[test]
fn each_row_has_a_name_of_its_own_and_bears_anything_short() {
    let mut names = std::collections::HashSet::new();
    for entry in ENTRIES {
        assert!(names.insert(entry.name), "{} is there twice", entry.name);
        assert!((1..=70).contains(&entry.help.len()), "{}", entry.name);
        assert_eq!(find(entry.name).map(|found| found.help), Some(entry.help));
        for len in 0..64 {
            for byte in [0, 1, 0x16, 0x45, 0xff] {
                (entry.run)(&vec![byte; len]);
            }
        }
    }
    assert!(find("nothing").is_none());
}

#[test]
fn chunks_end_where_the_bytes_do() {
    let mut bytes: &[u8] = &[9, 0, 2, 1, 2, 8, 0, 9, 5, 7, 0];
    assert_eq!(chunk::<1>(&mut bytes), Some(([9], &[1, 2][..])));
    assert_eq!(chunk::<1>(&mut bytes), Some(([8], &[5, 7, 0][..])));
    assert_eq!(chunk::<1>(&mut bytes), None);
}
