-- Accounts of people whom another system signs in.

alter table accounts
  -- The system as the settings name it, and what it calls its user; null: an account of this server alone.
  add column issuer text collate "C",
  add column subject text collate "C";

create unique index accounts_by_subject on accounts (issuer, subject) where issuer is not null;
