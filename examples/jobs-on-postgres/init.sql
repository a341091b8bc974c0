CREATE TABLE IF NOT EXISTS jobs (
  id serial PRIMARY KEY,
  payload text,
  created_at timestamp DEFAULT now()
);
CREATE INDEX IF NOT EXISTS jobs_created_at ON jobs (created_at);
CREATE TABLE IF NOT EXISTS done_jobs (
  id integer PRIMARY KEY,
  completed_at timestamp DEFAULT now()
);
