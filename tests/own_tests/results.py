"""Files as tools write them when tests have run."""

JUNIT = """\
<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" skipped="1" tests="4" time="0.08"
 timestamp="2026-03-01T12:00:00+00:00" hostname="ci"><properties><property name="git.commit" value="{commit}"/>
</properties><testcase classname="tests.test_deals.TestDeals" name="test_rating[10-good]" time="0.001"/>
<testcase classname="tests.test_deals" name="test_price" time="0.002"><failure message="assert 3 == 4">def test():
    assert 3 == 4</failure></testcase>
<testcase classname="tests.test_deals" name="test_refused" time="0.0"><skipped type="pytest.skip"
 message="no browser">x</skipped></testcase>
<testcase classname="tests.test_deals" name="test_stored" time="0.1"><error message="failed on setup">trace</error>
</testcase></testsuite></testsuites>
"""
PASSED = """\
<testsuite name="app" tests="2" failures="0" timestamp="{at}"><properties><property name="git.commit"
 value="{commit}"/></properties><testcase classname="a.B" name="c"/><testcase classname="a.B" name="d"/></testsuite>
"""
COBERTURA = """\
<?xml version="1.0" ?>
<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">
<coverage version="7.6" timestamp="{at}" lines-valid="8" lines-covered="6" line-rate="0.75" branch-rate="0.5">
 <sources><source>/builds/shop/app</source></sources>
 <packages><package name="."><classes>
  <class name="deals.py" filename="deals.py" line-rate="1"><methods/><lines>
   <line number="1" hits="1"/><line number="2" hits="3"/><line number="3" hits="1"/><line number="5" hits="1"/>
  </lines></class>
  <class name="prices.py" filename="prices.py" line-rate="0.5"><methods/><lines>
   <line number="1" hits="1"/><line number="2" hits="1" branch="true" condition-coverage="50% (1/2)"
    missing-branches="3"/><line number="3" hits="0"/><line number="4" hits="0"/>
  </lines></class>
 </classes></package></packages>
</coverage>
"""
OF_COVERAGE_PY = """\
{"meta": {"format": 3, "version": "7.6.1", "timestamp": "2026-03-01T12:00:00", "branch_coverage": true,
 "show_contexts": false}, "files": {
 "app/deals.py": {"executed_lines": [1, 2, 3, 5], "missing_lines": [], "excluded_lines": []},
 "app/prices.py": {"executed_lines": [1, 2], "missing_lines": [3, 4], "excluded_lines": [],
  "executed_branches": [[2, 5]], "missing_branches": [[2, 3]]}}, "totals": {"percent_covered": 70.0}}
"""
LCOV = """\
TN:
SF:app/deals.py
DA:1,1
DA:2,3
DA:3,1
DA:5,1
end_of_record
SF:app/prices.py
BRDA:2,0,0,1
BRDA:2,0,1,-
DA:1,1
DA:2,1
DA:3,0
DA:4,0
end_of_record
"""
BOMB = """\
<?xml version="1.0"?>
<!DOCTYPE testsuites [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<testsuites><testsuite name="&b;"/></testsuites>
"""
OUTSIDE = """\
<!DOCTYPE testsuites [<!ENTITY a SYSTEM "file:///etc/hostname">]>
<testsuites><testsuite><testcase name="&a;"/></testsuite></testsuites>
"""
