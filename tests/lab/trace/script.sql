-- SPDX-License-Identifier: GPL-2.0-only
create table t(id integer primary key, name text, n real);
with recursive c(i) as (select 1 union all select i + 1 from c where i < 40)
insert into t select i, 'name' || (i * 7 % 41), i * 1.5 from c;
create index t_name on t(name);
select count(*), sum(n) from t where name > 'name2';
select name, n from t order by name desc limit 5;
delete from t where id % 3 = 0;
select group_concat(id) from t where n between 10 and 40;
