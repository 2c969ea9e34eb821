"""What the database itself refuses, whoever asks.

- A ledger transaction that does not add up to zero at its commit, or has fewer than
  two postings.
- A change or removal of ledger transactions, postings and receipts. An empty table may
  be truncated: that loses nothing.
"""

from django.db import migrations

ZERO_SUM = """
CREATE FUNCTION billing_transaction_is_whole(wanted bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    total numeric;
    lines bigint;
BEGIN
    SELECT COALESCE(SUM(amount_nanousd), 0), COUNT(*) INTO total, lines
    FROM billing_posting WHERE transaction_id = wanted;
    IF total <> 0 OR lines < 2 THEN
        RAISE EXCEPTION 'ledger transaction % adds up to % over % postings',
            wanted, total, lines USING ERRCODE = 'check_violation';
    END IF;
END $$;

CREATE FUNCTION billing_posting_balances() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM billing_transaction_is_whole(NEW.transaction_id);
    RETURN NULL;
END $$;

CREATE FUNCTION billing_transaction_balances() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM billing_transaction_is_whole(NEW.id);
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER billing_posting_balances
    AFTER INSERT ON billing_posting
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION billing_posting_balances();

CREATE CONSTRAINT TRIGGER billing_transaction_balances
    AFTER INSERT ON billing_ledgertransaction
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION billing_transaction_balances();
"""

ZERO_SUM_REVERSE = """
DROP TRIGGER billing_transaction_balances ON billing_ledgertransaction;
DROP TRIGGER billing_posting_balances ON billing_posting;
DROP FUNCTION billing_transaction_balances();
DROP FUNCTION billing_posting_balances();
DROP FUNCTION billing_transaction_is_whole(bigint);
"""

APPEND_ONLY_FUNCTIONS = """
CREATE FUNCTION billing_refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION billing_refuse_truncate() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    has_rows boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I.%I)',
                   TG_TABLE_SCHEMA, TG_TABLE_NAME) INTO has_rows;
    IF has_rows THEN
        RAISE EXCEPTION '% is append-only: TRUNCATE refused', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
"""

APPEND_ONLY_FUNCTIONS_REVERSE = """
DROP FUNCTION billing_refuse_truncate();
DROP FUNCTION billing_refuse_change();
"""


def append_only(table):
    """Return the triggers of one table and how to drop them."""
    return (
        f"""
        CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION billing_refuse_change();
        CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION billing_refuse_truncate();
        """,
        f"""
        DROP TRIGGER {table}_no_truncate ON {table};
        DROP TRIGGER {table}_append_only ON {table};
        """,
    )


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]

    operations = [
        migrations.RunSQL(ZERO_SUM, ZERO_SUM_REVERSE),
        migrations.RunSQL(APPEND_ONLY_FUNCTIONS, APPEND_ONLY_FUNCTIONS_REVERSE),
        *(
            migrations.RunSQL(*append_only(table))
            for table in (
                "billing_ledgertransaction",
                "billing_posting",
                "billing_receipt",
            )
        ),
    ]
