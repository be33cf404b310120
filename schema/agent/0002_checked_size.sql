-- How large the file was when its content was last looked at: one that has another size at a start was
-- cut short meanwhile, and what was found out before says nothing of it. NULL: written before this was.
ALTER TABLE content_check ADD COLUMN size_bytes INTEGER;
