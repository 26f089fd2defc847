"""The picture in the README: `python -m tests.integration.cli.screenshot PAGE PICTURE` (`make screenshot`)."""

import sys
import tempfile
from pathlib import Path

from tests.integration.cli.chromium import Chromium, Tab, installed

OPEN_THE_NIC_THAT_DRIFTS = "document.querySelector('.tile:has(.cell.drifting)').click()"


def main(page: Path, picture: Path) -> None:
    program = installed()
    if program is None:
        raise SystemExit("no Chromium is on the path: `make browser` as root installs one")
    with tempfile.TemporaryDirectory() as profile:
        browser = Chromium(program, Path(profile))
        try:
            tab = Tab.open(browser, width=1400, height=900)
            tab.prefer("light")
            tab.go(page.absolute().as_uri())
            tab.run(OPEN_THE_NIC_THAT_DRIFTS)
            tab.photograph(picture)
        finally:
            browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
