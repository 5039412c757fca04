-- Everybody named as responsible in the orders, so that a report numbers strangers alike in every chapter.
SELECT DISTINCT manager FROM orders WHERE manager IS NOT NULL ORDER BY manager
