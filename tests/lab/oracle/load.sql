-- SPDX-License-Identifier: GPL-2.0-only
CREATE TABLE packages(name TEXT PRIMARY KEY, version TEXT, section TEXT, size INTEGER);
CREATE TABLE files(package TEXT, path TEXT);
.mode tabs
.import /lab/out/packages packages
.import /lab/out/files files
CREATE INDEX files_by_package ON files(package);
SELECT count(*) FROM files;
