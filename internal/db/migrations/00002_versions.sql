-- +goose Up

-- items: the id of the story whose version in another language it is; empty for none. An erased one keeps it, too.
ALTER TABLE stories ADD COLUMN version_of TEXT NOT NULL DEFAULT '';

-- Stories are read as a whole: nobody asked these.
DROP INDEX stories_hash;
DROP INDEX stories_path;
