-- SPDX-License-Identifier: GPL-2.0-only
SELECT section, count(*), sum(size) FROM packages GROUP BY section ORDER BY 3 DESC;
BEGIN;
UPDATE packages SET size = size + 1 WHERE section = 'libs';
INSERT INTO files SELECT 'copy', path FROM files WHERE package = 'adduser';
COMMIT;
SELECT package, count(*) FROM files GROUP BY package ORDER BY 2 DESC LIMIT 5;
BEGIN;
DELETE FROM files WHERE package = 'copy';
ROLLBACK;
