-- Days tell of the people of weeks in nearly the same time: few write on many days of a week.

DROP TABLE user_week;
