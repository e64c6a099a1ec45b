#!/usr/bin/env node
'use strict';
require('../dist/mqtt-pub.cjs');
