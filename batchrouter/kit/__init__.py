"""Small tools that know no app: clock, ids, money, states, jobs, hashing, HTTP."""
