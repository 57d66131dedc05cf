-- SPDX-License-Identifier: GPL-2.0-only
SELECT count(*) FROM files WHERE package = 'adduser';
UPDATE packages SET size = size + 1 WHERE name = 'adduser';
