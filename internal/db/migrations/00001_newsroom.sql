-- +goose Up

-- What the newsroom fixed once and for all, such as the host that is in every story's id.
CREATE TABLE settings (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
);

-- items: who each story is, whatever its file is called today.
CREATE TABLE stories (
  id              TEXT   PRIMARY KEY,
  slug            TEXT   NOT NULL UNIQUE,
  path            TEXT   NOT NULL,           -- of the file it was last read from, under items/
  hash            TEXT   NOT NULL,           -- SHA-256 of that file's bytes, in hex; a hash of that once erased
  item            TEXT   NOT NULL,           -- the last good item as JSON; empty once erased
  status          TEXT   NOT NULL,           -- published, withdrawn, erased; draft again
  first_published BIGINT NOT NULL,           -- when it first went out
  updated         BIGINT NOT NULL,           -- when the status or the item last changed here
  gone            BIGINT NOT NULL            -- when its file was first missed; 0: it is there
);
CREATE INDEX stories_hash ON stories (hash);
CREATE INDEX stories_path ON stories (path);

-- Slugs a story has had: none is ever given to another story.
CREATE TABLE story_slugs (
  slug  TEXT PRIMARY KEY,
  story TEXT NOT NULL
) WITHOUT ROWID;

-- publish: the files that Tidings itself put under public/, so that it takes away only its own.
CREATE TABLE published (
  path  TEXT   PRIMARY KEY,                  -- under public/, slash-separated
  print TEXT   NOT NULL,                     -- of what it was made of; empty while it is not known to be in place
  hash  BLOB   NOT NULL,                     -- SHA-256 of its bytes
  size  BIGINT NOT NULL
) WITHOUT ROWID;

-- publish: what is in an object storage, so that only what changed is put there, and only what Tidings put is taken away.
CREATE TABLE target_objects (
  target TEXT NOT NULL,                      -- its address; what an earlier one holds stays known
  path   TEXT NOT NULL,                      -- as under public/
  print  TEXT NOT NULL,                      -- of its bytes and headers; empty while they are not known
  PRIMARY KEY (target, path)
) WITHOUT ROWID;

-- publish: what was made of the pictures and documents beside the items, so that each is read once.
CREATE TABLE media (
  path  TEXT PRIMARY KEY,                    -- under items/
  asset TEXT NOT NULL                        -- its published versions, as JSON
);

-- subscribers: who gets which newsletter, and how we know that they want it.
CREATE TABLE subscribers (
  id       BIGINT PRIMARY KEY,               -- random and never reused: it is in links that were mailed
  email    TEXT   NOT NULL,                  -- as given, for sending
  address  TEXT   NOT NULL UNIQUE,           -- the same, folded for comparing: lower case, domain in punycode
  name     TEXT   NOT NULL DEFAULT '',
  language TEXT   NOT NULL DEFAULT '',
  created  BIGINT NOT NULL
) WITHOUT ROWID;                             -- a sender goes through them in the order of their ids
CREATE TABLE subscriptions (
  subscriber BIGINT NOT NULL REFERENCES subscribers (id) ON DELETE CASCADE,
  newsletter TEXT   NOT NULL,
  state      TEXT   NOT NULL,                -- active, left
  changed    BIGINT NOT NULL,
  PRIMARY KEY (subscriber, newsletter)
) WITHOUT ROWID;
CREATE INDEX subscriptions_newsletter ON subscriptions (newsletter, state);
CREATE TABLE consents (
  subscriber BIGINT NOT NULL REFERENCES subscribers (id) ON DELETE CASCADE,
  newsletter TEXT   NOT NULL,
  action     TEXT   NOT NULL,                -- given, withdrawn
  source     TEXT   NOT NULL,                -- where it came from, in words
  at         BIGINT NOT NULL
);
CREATE INDEX consents_subscriber ON consents (subscriber, newsletter, at);
CREATE TABLE suppressions (
  address TEXT   PRIMARY KEY,                -- folded, as in subscribers
  reason  TEXT   NOT NULL,
  at      BIGINT NOT NULL
);
CREATE VIEW audience AS
  SELECT p.newsletter, s.id AS subscriber, s.email, s.name, s.language
  FROM subscriptions p JOIN subscribers s ON s.id = p.subscriber
  WHERE p.state = 'active'
    AND NOT EXISTS (SELECT 1 FROM suppressions x WHERE x.address = s.address);

-- mailer/ledger: what was sent to whom. No addresses in it.
CREATE TABLE issues (
  id         INTEGER PRIMARY KEY,
  newsletter TEXT    NOT NULL,
  number     BIGINT  NOT NULL,
  slot       BIGINT  NOT NULL DEFAULT 0,     -- the scheduled time it answers to; 0: sent by hand
  state      TEXT    NOT NULL,               -- sending, finished, stopped
  content    TEXT    NOT NULL,               -- frozen: what the issue shows, as JSON
  messages   TEXT    NOT NULL,               -- frozen: the composed message of each language, as JSON
  revision   BIGINT  NOT NULL DEFAULT 1,     -- how many times these two were made, since stories were taken back
  created    BIGINT  NOT NULL,
  finished   BIGINT  NOT NULL DEFAULT 0,
  UNIQUE (newsletter, number)
);
CREATE UNIQUE INDEX issues_slot ON issues (newsletter, slot) WHERE slot <> 0;
CREATE TABLE issue_items (
  issue INTEGER NOT NULL REFERENCES issues (id),
  story TEXT    NOT NULL,
  PRIMARY KEY (issue, story)
);
CREATE INDEX issue_items_story ON issue_items (story);
CREATE TABLE deliveries (
  issue      INTEGER NOT NULL REFERENCES issues (id),
  subscriber BIGINT  NOT NULL,
  state      TEXT    NOT NULL,               -- pending, sending, accepted, deferred, rejected, unknown, suppressed
  sender     TEXT    NOT NULL DEFAULT '',    -- the run of the program that holds a row in state sending
  tries      BIGINT  NOT NULL DEFAULT 0,
  first_try  BIGINT  NOT NULL DEFAULT 0,     -- when the first of them was
  next_at    BIGINT  NOT NULL DEFAULT 0,     -- deferred: not before; -1: to be sent once more
  reply      TEXT    NOT NULL DEFAULT '',    -- the server's last word
  changed    BIGINT  NOT NULL DEFAULT 0,
  revision   BIGINT  NOT NULL DEFAULT 0,     -- of the issue, that was sent; 0: none yet
  PRIMARY KEY (issue, subscriber)
) WITHOUT ROWID;
-- Those still to be dealt with. Queries must repeat its condition to the letter. It is no IN (…): SQLite would make a table
-- of the three words for every delivery that it changes.
CREATE INDEX deliveries_open ON deliveries (issue, subscriber) WHERE state = 'pending' OR state = 'sending' OR state = 'deferred';

-- Each revision of an issue behind its first: those who had not been sent it by then got this one.
CREATE TABLE revisions (
  issue   INTEGER NOT NULL REFERENCES issues (id),
  number  BIGINT  NOT NULL,
  stories BIGINT  NOT NULL,                  -- how many were taken out
  created BIGINT  NOT NULL,
  PRIMARY KEY (issue, number)
);

-- What the staff are told about issues by mail: one mail for each of them, owed until it was sent.
CREATE TABLE notices (
  issue    INTEGER NOT NULL REFERENCES issues (id),
  kind     TEXT    NOT NULL,                 -- done, paused, stuck
  email    TEXT    NOT NULL,                 -- of one of the staff
  message  TEXT    NOT NULL,                 -- as composed, without a signature
  accepted BIGINT  NOT NULL,                 -- how many recipients the issue had reached by then
  written  BIGINT  NOT NULL,
  due      BIGINT  NOT NULL,                 -- not to be sent before
  sent     BIGINT  NOT NULL DEFAULT 0,       -- 0: owed
  PRIMARY KEY (issue, kind, email)
);

-- How fast mail may go to a relay or a domain, so that a restart does not forget what servers asked for.
CREATE TABLE rates (
  name   TEXT   PRIMARY KEY,                 -- relay:HOST:PORT or domain:NAME
  rate   DOUBLE PRECISION NOT NULL,          -- messages a second
  tokens DOUBLE PRECISION NOT NULL,
  at     BIGINT NOT NULL
);

-- Relays that are left alone for a while, since they refuse our mail because of us.
CREATE TABLE pauses (
  relay TEXT   PRIMARY KEY,
  until BIGINT NOT NULL,
  why   TEXT   NOT NULL                      -- what the relay said
);

-- schedule: the last slot that was dealt with, so that none is lost or served twice.
CREATE TABLE slots (
  name      TEXT   PRIMARY KEY,
  schedule  TEXT   NOT NULL,                 -- that last_slot is of
  last_slot BIGINT NOT NULL
);
